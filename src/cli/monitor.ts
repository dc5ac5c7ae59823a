// `bauta monitor`: what is committed to nf_tables, as it happens.

import type { Transaction } from "../nftables/monitor.ts";
import type { AttachmentName } from "../owned/feature.ts";
import { flag } from "./arguments.ts";
import type { Output } from "./io.ts";
import { Describer, type Description, isOurs, tableOf } from "./monitor/describe.ts";
import { KnownNames } from "./monitor/known-names.ts";
import { policyText } from "./monitor/known-policies.ts";
import { shown } from "./names-text.ts";
import { type Style, styleFor } from "./terminal-text.ts";
import { type Verb, verb } from "./verb.ts";

const ABOUT = `
Prints each transaction that is committed to nf_tables in this network
namespace: a line with the generation that it made, the program that committed
it and its process id, then a line for each thing that was changed, in the words
of nft. The kernel tells the process id that the host knows the process by: in a
container, where that id names nothing, "on the host" stands behind it. After
"#": the network, the container and the interface that an element belongs to,
and the policy that the element, a chain or a rule is about: the subnet outside
of which packets are masqueraded, and the options as in bauta list.

Without --all only changes of bauta's own tables are shown (those whose names
begin with bauta_), and no transaction that changed nothing in them.

When events come faster than they are read the kernel drops some; this is told,
and the monitor goes on. It ends by Ctrl-C, or when nobody reads any more.

--json prints an object for each change, a line each:

  generation  number
  program, pid   who committed it, with the host's process id; null where the
              kernel does not say
  change      "add" or "delete"
  kind        "table", "chain", "rule", "set", "map", "element", "object",
              "flowtable" or "unknown"
  family, table   strings
  chain       of a chain or a rule
  comment     of a rule that has one
  set         of a set, a map or an element
  key, value  of an element
  network, container, interface   of an element of bauta's; null where unknown
  policy      of an element of bauta's (null where unknown), a policy's chain,
              or a rule in one: the name of the chain
  options     its ipMasqOptions, where there are any
  text        all of it in the words of nft

and {"change":"lost"} where events were lost.
`;

export const monitor: Verb = verb({
  name: "monitor",
  summary: "Prints changes of the rules as they happen",
  about: ABOUT,
  options: {
    all: flag("the changes of all tables, not only of bauta's"),
    json: flag("as JSON, for programs"),
  },
  run({ all, json }, io) {
    watch(io, all, json ? jsonPrinter(io) : styledPrinter(io, styleFor(io.isTerminal(), io.getenv)));
  },
});

interface Printer {
  /** Prints a transaction, of which there is at least one line. */
  readonly transaction: (transaction: Transaction, lines: readonly Description[]) => void;
  /** Tells that events were lost. */
  readonly loss: () => void;
}

function watch(io: Output, all: boolean, print: Printer): void {
  const events = io.openEvents();
  try {
    // What is committed from now on waits in the socket, so nothing is missed between here and there.
    const describer = new Describer(new KnownNames());
    learn(io, describer);
    for (let next = events.next(); next !== undefined; next = events.next()) {
      if (next === "lost") {
        print.loss();
        learn(io, describer);
        continue;
      }
      const lines = describer.describeAll(next.events, (event) => all || isOurs(tableOf(event)));
      if (lines.length > 0) print.transaction(next, lines);
    }
  } finally {
    events.close();
  }
}

function learn(io: Output, describer: Describer): void {
  const nft = io.openNftables();
  try {
    describer.learnAll(nft);
  } finally {
    nft.close();
  }
}

const LOSS = "events were lost: they came faster than they were read";

function styledPrinter(io: Output, style: Style): Printer {
  const where = io.isInHostPids() ? "" : " on the host";
  return {
    loss: () => io.print([style.yellow(LOSS)]),
    transaction({ generation, processName, processId }, lines) {
      const process = processId === undefined ? "" : `, process ${processId}${where}`;
      const head = style.bold(`generation ${generation} by ${processName ?? "unknown"}${process}`);
      io.print([head, ...lines.map((line) => `  ${lineText(line, style)}`)]);
    },
  };
}

function lineText({ change, text, name, policy }: Description, style: Style): string {
  const paint = change === "add" ? style.green : style.red;
  const about = [
    ...(name === undefined ? [] : [namesText(name)]),
    ...(policy === undefined ? [] : [policyText(policy)]),
  ];
  return about.length === 0 ? paint(text) : `${paint(text)}  ${style.dim(`# ${about.join(": ")}`)}`;
}

function namesText(name: AttachmentName): string {
  const { network, container, interface: ifname } = shown(name);
  return [network, container, ifname].map((one) => one ?? "-").join(" ");
}

function jsonPrinter(io: Output): Printer {
  return {
    loss: () => io.printJson(JSON.stringify({ change: "lost" })),
    transaction({ generation, processName, processId }, lines) {
      const who = { generation, program: processName ?? null, pid: processId ?? null };
      io.printJson(lines.map((line) => JSON.stringify({ ...who, ...objectOf(line) })).join("\n"));
    },
  };
}

function objectOf({ text, name, policy, ...fields }: Description): object {
  const options = policy?.options === undefined ? {} : { options: policy.options };
  if (fields.kind !== "element" || !isOurs(fields.table)) {
    return { ...fields, ...(policy === undefined ? {} : { policy: policy.chain, ...options }), text };
  }
  const { network, container, interface: ifname } = name === undefined ? EMPTY : shown(name);
  return {
    ...fields,
    network: network ?? null,
    container: container ?? null,
    interface: ifname ?? null,
    policy: policy?.chain ?? null,
    ...options,
    text,
  };
}

const EMPTY = { network: undefined, container: undefined, interface: undefined };
