import { describe, expect, it } from "vitest";
import { ack, done, FakeKernel, message, type Reply } from "../../test/support/fake-kernel.ts";
import { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { addAddress } from "../rtnetlink/address.ts";
import type { BriefLink } from "../rtnetlink/brief-link.ts";
import { IFLA, RTM } from "../rtnetlink/uapi.ts";
import { type ErrnoName, errno } from "../sys/errno.ts";
import { readAttributes } from "../wire/attrs.ts";
import { type Cidr, formatCidr, parseCidr } from "../wire/ip.ts";
import { Writer } from "../wire/writer.ts";
import { AddressConflictError, checkGateways, ensureGateways, type GatewayOptions } from "./gateway-address.ts";

const cidr = (text: string): Cidr => parseCidr(text) ?? { ip: new Uint8Array(), prefixLength: -1 };
const link: BriefLink = {
  index: 7,
  name: "cni0",
  flags: 0,
  isUp: true,
  operState: 6,
  mtu: 1500,
  mac: Uint8Array.of(2, 0, 0, 0, 0, 7),
  masterIndex: undefined,
  linkIndex: undefined,
  txQueueLength: 0,
  kind: "bridge",
};
const options: GatewayOptions = { force: false, detectDuplicates: false, belongs: () => false };

/** A link with these addresses. Changes are noted, as ip(8) has them, and answered as `answer` says. */
function kernel(
  addresses: readonly string[],
  answer: (change: string) => ErrnoName | undefined = () => undefined,
): { connection: Connection; changes: string[]; requests: Message[] } {
  const changes: string[] = [];
  const requests: Message[] = [];
  const reply = (request: Message): Reply[] => {
    const { sequence, payload } = request;
    if (request.type === RTM.GETADDR) {
      const found = addresses.map((text) => {
        const out = new Writer();
        addAddress(link, cidr(text)).encode(out);
        return message({ type: RTM.NEWADDR, flags: 2, sequence, payload: out.bytes().slice() });
      });
      return [...found, done(request)];
    }
    requests.push({ ...request, payload: payload.slice() });
    const verb = { [RTM.NEWADDR]: "add", [RTM.DELADDR]: "delete", [RTM.NEWLINK]: "mac" }[request.type] ?? "?";
    const [address] =
      verb === "mac"
        ? []
        : readAttributes(payload.subarray(8))
            .filter(({ type }) => type === 2)
            .map((one) => one.payload);
    const change =
      address === undefined ? verb : `${verb} ${formatCidr({ ip: address, prefixLength: payload[1] ?? 0 })}`;
    changes.push(change);
    const refusal = answer(change);
    return [ack(request, refusal === undefined ? 0 : errno(refusal))];
  };
  return { connection: new Connection(new FakeKernel((all) => all.flatMap(reply))), changes, requests };
}

describe("ensureGateways()", () => {
  it("changes nothing where all are there", () => {
    const { connection, changes } = kernel(["10.1.0.1/24", "fd00::1/64", "fe80::1/64"]);
    ensureGateways(connection, link, [cidr("10.1.0.1/24"), cidr("fd00::1/64")], options);
    expect(changes).toEqual([]);
  });

  it("adds what is missing, and has the link keep its MAC address", () => {
    const { connection, changes, requests } = kernel(["10.1.0.1/24"]);
    ensureGateways(connection, link, [cidr("10.1.0.1/24"), cidr("10.2.0.1/24"), cidr("fd00::1/64")], options);
    expect(changes).toEqual(["add 10.2.0.1/24", "add fd00::1/64", "mac"]);
    expect(macOf(requests.at(-1))).toEqual(link.mac);
  });

  it("gives a link that has no MAC address to keep a new one", () => {
    const { connection, requests } = kernel([]);
    ensureGateways(connection, { ...link, mac: new Uint8Array(6) }, [cidr("10.1.0.1/24")], options);
    const [first = 0, ...rest] = macOf(requests.at(-1)) ?? [];
    expect([first & 3, rest.some((byte) => byte !== 0)]).toEqual([2, true]);
  });

  it.each([
    [
      "another IPv4 address",
      ["10.7.0.1/24"],
      "10.7.0.1/24, which is in the way of the gateway 10.1.0.1/24, 10.2.0.1/24",
    ],
    ["the address with another prefix", ["10.1.0.1/16"], "10.1.0.1/16"],
    [
      "an IPv6 address with a larger subnet",
      ["fd00::7/48"],
      "fd00::7/48, which is in the way of the gateway fd00::1/64",
    ],
    ["an IPv6 address with a smaller subnet", ["fd00::7/112"], "fd00::7/112"],
  ])("refuses %s", (_, present, text) => {
    const { connection, changes } = kernel(present);
    const wanted = ["10.1.0.1/24", "10.2.0.1/24", "fd00::1/64"].map(cidr);
    expect(() => ensureGateways(connection, link, wanted, options)).toThrow(AddressConflictError);
    expect(() => ensureGateways(connection, link, wanted, options)).toThrow(`"cni0" already has the address ${text}`);
    expect(changes).toEqual([]);
  });

  it("lets addresses be that are not in the way, or belong there", () => {
    const present = ["10.7.0.1/24", "fd00:7::1/64"];
    const { connection, changes } = kernel(present);
    ensureGateways(connection, link, [cidr("fd00::1/64")], options);
    expect(changes).toEqual(["add fd00::1/64", "mac"]);
    const other = kernel(present);
    ensureGateways(other.connection, link, [cidr("10.1.0.1/24")], { ...options, belongs: (one) => one.ip[1] === 7 });
    expect(other.changes).toEqual(["add 10.1.0.1/24", "mac"]);
  });

  it.each([true, false])("lets every other address be where no gateway is missing, with force %s", (force) => {
    const others = ["10.7.0.1/24", "10.1.0.100/24", "169.254.169.254/32", "fd00::100/64", "fd00::/48"];
    const { connection, changes } = kernel([...others, "10.1.0.1/24", "fd00::1/64"]);
    const wanted = [cidr("10.1.0.1/24"), cidr("fd00::1/64")];
    expect(ensureGateways(connection, link, wanted, { ...options, force })).toEqual([]);
    expect(changes).toEqual([]);
  });

  it("lets addresses of other subnets be where another IPv4 gateway of the network is in place", () => {
    const { connection, changes } = kernel(["10.7.0.1/24", "10.1.0.1/24"]);
    ensureGateways(connection, link, [cidr("10.1.0.1/24"), cidr("10.2.0.1/24")], options);
    expect(changes).toEqual(["add 10.2.0.1/24", "mac"]);
  });

  it("removes with force what is in the way of a missing gateway, nothing else, and tells what", () => {
    const present = [
      "10.7.0.1/24",
      "10.1.0.7/16",
      "169.254.169.254/32",
      "10.1.0.9/32",
      "10.1.0.1/32",
      "fd00:7::1/64",
      "fd00::7/48",
    ];
    const { connection, changes } = kernel(present);
    const wanted = [cidr("10.1.0.1/24"), cidr("fd00::1/64")];
    const removed = ensureGateways(connection, link, wanted, { ...options, force: true });
    const expected = ["10.7.0.1/24", "10.1.0.7/16", "10.1.0.1/32", "fd00::7/48"];
    expect(removed.map(formatCidr)).toEqual(expected);
    const deleted = expected.map((address) => `delete ${address}`);
    expect(changes).toEqual([...deleted, "add 10.1.0.1/24", "add fd00::1/64", "mac"]);
  });

  it("does not mind another who does the same at the same time", () => {
    const { connection } = kernel(["10.7.0.1/24"], (change) => {
      if (change.startsWith("add")) return "EEXIST";
      return change.startsWith("delete") ? "EADDRNOTAVAIL" : undefined;
    });
    ensureGateways(connection, link, [cidr("10.1.0.1/24")], { ...options, force: true });
  });

  it.each([
    ["add 10.1.0.1/24", "EACCES", "cannot address add 10.1.0.1/24 dev cni0: EACCES"],
    ["delete 10.7.0.1/24", "EEXIST", "cannot address delete 10.7.0.1/24 dev cni0: EEXIST"],
    ["mac", "EADDRNOTAVAIL", "cannot link set cni0"],
  ] as const)("throws when %s is refused with %s", (refused, code, text) => {
    const { connection } = kernel(["10.7.0.1/24"], (change) => (change === refused ? code : undefined));
    const run = (): unknown => ensureGateways(connection, link, [cidr("10.1.0.1/24")], { ...options, force: true });
    expect(run).toThrow(text);
  });
});

describe("checkGateways()", () => {
  it("names what is missing", () => {
    const { connection } = kernel(["10.1.0.1/24"]);
    checkGateways(connection, link, [cidr("10.1.0.1/24")]);
    const wanted = ["10.1.0.1/24", "10.1.0.1/16", "fd00::1/64"].map(cidr);
    expect(() => checkGateways(connection, link, wanted)).toThrow(
      "the gateway addresses 10.1.0.1/16, fd00::1/64 are missing on cni0",
    );
  });
});

function macOf(request: Message | undefined): Uint8Array | undefined {
  return request && readAttributes(request.payload.subarray(16)).find(({ type }) => type === IFLA.ADDRESS)?.payload;
}
