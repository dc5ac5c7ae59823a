import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { engine } from "../sys/engine.ts";
import {
  type CachedAttachment,
  cachedOf,
  isInCache,
  namespacesOf,
  readCached,
  removeCached,
  unnamedOf,
  writeCached,
} from "./cache.ts";

let cache: string;
beforeEach(() => {
  cache = temporaryDirectory();
});

const attachment = { network: "net1", containerId: "c1", ifname: "eth0" };
const result = { cniVersion: "1.0.0", ips: [{ address: "10.1.2.3/24" }] };
const cached: CachedAttachment = {
  ...attachment,
  netns: "/run/netns/c1",
  args: [
    ["IgnoreUnknown", "1"],
    ["K8S_POD_NAME", "web"],
  ],
  capabilityArgs: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
  result,
};
const list = '{"cniVersion":"1.0.0","name":"net1","plugins":[{"type":"bridge"}]} \n';

function put(name: string, content: unknown): void {
  mkdirSync(join(cache, "results"), { recursive: true });
  writeFileSync(join(cache, "results", name), typeof content === "string" ? content : JSON.stringify(content));
}

describe("writeCached()", () => {
  it("writes what libcni does, where libcni does, for root alone", () => {
    writeCached(cache, cached, engine.encode(list));
    const path = join(cache, "results/net1-c1-eth0");
    // libcni/api.go, cachedInfo: the names and the order of its keys; Go has bytes in base64.
    expect(readFileSync(path, "utf8")).toBe(
      JSON.stringify({
        kind: "cniCacheV1",
        containerId: "c1",
        config: Buffer.from(list).toString("base64"),
        ifName: "eth0",
        networkName: "net1",
        netns: "/run/netns/c1",
        cniArgs: cached.args,
        capabilityArgs: cached.capabilityArgs,
        result,
      }),
    );
    expect([statSync(path).mode & 0o777, statSync(join(path, "..")).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(readdirSync(join(cache, "results"))).toEqual(["net1-c1-eth0"]);
  });

  it("leaves out what is empty, as libcni does", () => {
    writeCached(cache, { ...attachment, netns: "", args: [], capabilityArgs: {}, result }, engine.encode("{}"));
    const json = JSON.parse(readFileSync(join(cache, "results/net1-c1-eth0"), "utf8"));
    expect(Object.keys(json)).toEqual(["kind", "containerId", "config", "ifName", "networkName", "result"]);
  });

  it("is read again as it was, until it is removed", () => {
    writeCached(cache, cached, engine.encode(list));
    expect(readCached(cache, attachment)).toEqual(cached);
    expect(isInCache(cache, attachment)).toBe(true);
    removeCached(cache, attachment);
    removeCached(cache, attachment);
    expect([isInCache(cache, attachment), readCached(cache, attachment)]).toEqual([false, undefined]);
  });
});

describe("readCached()", () => {
  it("takes a file from before libcni 0.8 for the result", () => {
    put("net1-c1-eth0", result);
    expect(readCached(cache, attachment)).toEqual({ ...attachment, netns: "", args: [], capabilityArgs: {}, result });
  });

  it.each([
    ["{", 6, "ends too early"],
    ["[]", 6, "is not an object"],
    ['{"kind": "cniCacheV1", "netns": 5}', 6, "netns: 5 is not a string"],
    ['{"kind": "cniCacheV1", "result": []}', 6, "result: [] is not an object"],
  ])("refuses %s with code %i", (content, code, message) => {
    put("net1-c1-eth0", content);
    expect(() => readCached(cache, attachment)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it("does not wait for a FIFO in the place of a file", () => {
    put("other", "");
    execFileSync("mkfifo", [join(cache, "results/net1-c1-eth0")]);
    expect(() => readCached(cache, attachment)).toThrow(expect.objectContaining({ code: 5 }));
  });

  it("finds nothing where there is no cache", () => {
    expect(readCached("/nonexistent", attachment)).toBeUndefined();
  });
});

describe("cachedOf()", () => {
  it("finds the attachments of one network, and passes over what is none", () => {
    const kind = "cniCacheV1";
    const of = (networkName: string, containerId: string): object => ({
      kind,
      networkName,
      containerId,
      ifName: "eth0",
    });
    put("net1-c2-eth0", of("net1", "c2"));
    put("net1-c1-eth0", of("net1", "c1"));
    put("net1-a-c1-eth0", of("net1-a", "c1"));
    put("net2-c1-eth0", of("net2", "c1"));
    put("net1-odd-eth0", "{");
    put("net1-wrong-eth0", { ...of("net1", "wrong"), netns: 5 });
    put("net1-legacy-eth0", result);
    put("net1-nameless-eth0", { kind, networkName: "net1", ifName: "eth0" });
    execFileSync("mkfifo", [join(cache, "results/net1-pipe-eth0")]);
    expect(cachedOf(cache, "net1").map(({ containerId }) => containerId)).toEqual(["c1", "c2"]);
    expect(cachedOf("/nonexistent", "net1")).toEqual([]);
    const unnamed = unnamedOf(cache, "net1").map(({ attachments: [first], ...more }) => [
      first?.containerId,
      more.result,
    ]);
    expect(unnamed).toEqual([
      ["legacy", result],
      ["nameless", undefined],
      ["odd", undefined],
      ["pipe", undefined],
      ["wrong", undefined],
    ]);
  });
});

describe("unnamedOf()", () => {
  it("names each attachment that the file's name may mean", () => {
    put("net-1-a-b-eth-0", result);
    expect(unnamedOf(cache, "net-1")).toEqual([
      {
        attachments: [
          { network: "net-1", containerId: "a", ifname: "b-eth-0" },
          { network: "net-1", containerId: "a-b", ifname: "eth-0" },
          { network: "net-1", containerId: "a-b-eth", ifname: "0" },
        ],
        result,
      },
    ]);
  });
});

describe("namespacesOf()", () => {
  it("is what the runtime has noted, and else what the interfaces of the result say", () => {
    const interfaces = [{ name: "veth1" }, { name: "eth0", sandbox: "/run/netns/c1" }, { name: "x", sandbox: "" }, 7];
    expect(namespacesOf({ netns: "/noted", result: { interfaces } })).toEqual(["/noted"]);
    expect(namespacesOf({ netns: "", result: { interfaces } })).toEqual(["/run/netns/c1"]);
    for (const one of [undefined, {}, { interfaces: "odd" }]) expect(namespacesOf({ result: one })).toEqual([]);
  });
});
