// A rule set in the words of nft(8), as `nft list ruleset` prints it; the elements of a set stand in the order of their keys.

import { ruleText } from "../../../src/cli/monitor/rule-text.ts";
import { rangeText, valueText } from "../../../src/cli/monitor/value-text.ts";
import { partsOf, TYPE } from "../../../src/nftables/datatype.ts";
import { familyName } from "../../../src/nftables/message.ts";
import { NF, NFPROTO, NFT_DATA_VERDICT, NFT_SET, NFT_TABLE_F } from "../../../src/nftables/uapi.ts";
import { commentOf, decodeUserdata, NFTNL_UDATA } from "../../../src/nftables/userdata.ts";
import { offsetIp } from "../../../src/wire/ip.ts";
import { type FakeChain, type FakeSet, type FakeTable, intervalsIn, keyBytes, type Ruleset } from "./ruleset.ts";
import type { WireElement } from "./wire.ts";

export function rulesetText({ tables }: Ruleset): string {
  return [...tables.values()].map(tableText).join("");
}

function tableText(table: FakeTable): string {
  const comment = commentIn(table.userdata);
  const isDormant = (table.flags & NFT_TABLE_F.DORMANT) !== 0;
  const head = [...(isDormant ? ["flags dormant"] : []), ...(comment === undefined ? [] : [`comment "${comment}"`])];
  const sets = [...table.sets.values()].map(setText);
  const blocks = [...sets, ...[...table.chains.values()].map((chain) => chainText(table, chain))];
  // nft leaves a line free between flags and what comes after them.
  const gap = isDormant && blocks.length > 0 ? "\n" : "";
  const lines = head.map((line) => `\t${line}\n`).join("");
  return `table ${familyName(table.family)} ${table.name} {\n${lines}${gap}${blocks.join("\n")}}\n`;
}

function commentIn(userdata: Uint8Array | undefined): string | undefined {
  return commentOf(decodeUserdata(userdata), NFTNL_UDATA.COMMENT);
}

function block(head: string, lines: readonly string[]): string {
  return `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;
}

const TYPES: ReadonlyMap<number, string> = new Map([
  [TYPE.IPADDR, "ipv4_addr"],
  [TYPE.IP6ADDR, "ipv6_addr"],
  [TYPE.ETHERADDR, "ether_addr"],
  [TYPE.INET_PROTOCOL, "inet_proto"],
  [TYPE.INET_SERVICE, "inet_service"],
  [TYPE.IFNAME, "ifname"],
  [TYPE.MARK, "mark"],
]);

function typeText(type = 0): string {
  if (type === NFT_DATA_VERDICT) return "verdict";
  return partsOf(type)
    .map((part) => TYPES.get(part) ?? `type ${part}`)
    .join(" . ");
}

function setText(set: FakeSet): string {
  const { name, keyType, dataType, flags = 0, expression } = set.spec;
  const elements = elementTexts(set);
  const type = dataType === undefined ? typeText(keyType) : `${typeText(keyType)} : ${typeText(dataType)}`;
  return block(`${dataType === undefined ? "set" : "map"} ${name}`, [
    `type ${type}`,
    ...((flags & NFT_SET.INTERVAL) === 0 ? [] : ["flags interval"]),
    ...(expression === undefined ? [] : [expression.kind === "unknown" ? expression.name : expression.kind]),
    ...(elements.length === 0 ? [] : [`elements = { ${elements.join(", ")} }`]),
  ]);
}

function elementTexts(set: FakeSet): string[] {
  const { keyType, dataType } = set.spec;
  const textOf = (element: WireElement, key: string): string => {
    const comment = commentIn(element.userdata);
    const words = [
      key,
      ...(element.expression === undefined ? [] : ["counter packets 0 bytes 0"]),
      ...(comment === undefined ? [] : [`comment "${comment}"`]),
      ...(element.data === undefined ? [] : [`: ${valueText(dataType, element.data)}`]),
    ];
    return words.join(" ");
  };
  if (((set.spec.flags ?? 0) & NFT_SET.INTERVAL) === 0) {
    const keys = [...set.elements.keys()].sort();
    return keys.flatMap((key) => {
      const element = set.elements.get(key);
      return element === undefined ? [] : [textOf(element, valueText(keyType, keyBytes(element)))];
    });
  }
  return intervalsIn(set).flatMap(([first, end]) => {
    const [element, behind] = [set.elements.get(first), end === undefined ? undefined : set.elements.get(`${end} end`)];
    if (element === undefined) return [];
    const start = keyBytes(element);
    const last = behind === undefined ? start.map(() => 0xff) : (offsetIp(keyBytes(behind), -1) ?? start);
    return [textOf(element, rangeText(keyType, start, last))];
  });
}

const HOOKS = ["prerouting", "input", "forward", "output", "postrouting", "ingress"];
const PRIORITIES: ReadonlyMap<number, string> = new Map([
  [-300, "raw"],
  [-150, "mangle"],
  [-100, "dstnat"],
  [0, "filter"],
  [50, "security"],
  [100, "srcnat"],
]);
const BRIDGE_PRIORITIES: ReadonlyMap<number, string> = new Map([
  [-300, "dstnat"],
  [-200, "filter"],
  [100, "out"],
  [300, "srcnat"],
]);

function chainText({ family }: FakeTable, { spec, rules, policy }: FakeChain): string {
  const { name, hook, type } = spec;
  const names = family === NFPROTO.BRIDGE ? BRIDGE_PRIORITIES : PRIORITIES;
  const priority = hook?.priority ?? 0;
  const at = `type ${type} hook ${HOOKS[hook?.number ?? -1]} priority ${names.get(priority) ?? priority}`;
  const head = hook === undefined ? [] : [`${at}; policy ${policy === NF.DROP ? "drop" : "accept"};`];
  const lines = rules.map(({ expressions, userdata }) => {
    const comment = commentIn(userdata);
    // A monitor leaves out what has been counted.
    const text = ruleText(expressions).replaceAll(/(?<=^| )counter(?= |$)/g, "counter packets 0 bytes 0");
    return `${text}${comment === undefined ? "" : ` comment "${comment}"`}`;
  });
  return block(`chain ${name}`, [...head, ...lines]);
}
