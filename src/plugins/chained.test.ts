import { describe, expect, it } from "vitest";
import { callPlugin, type Outcome } from "../../test/conformance/call.ts";
import { COMPANION_CASE, companion } from "../../test/conformance/chained-example.ts";
import { runContract } from "../../test/conformance/contract.ts";
import type { Result } from "../cni/result.ts";
import { object } from "../cni/schema.ts";
import { type ChainedPlugin, chainedPlugin } from "./chained.ts";

const { config, wrong = {} } = COMPANION_CASE;
runContract(companion, { config, wrong });

describe("chainedPlugin", () => {
  const PREV_RESULT = { ips: [{ address: "198.18.0.2/24" }], dns: { nameservers: ["198.18.0.53"] } };
  const CONFIG = { cniVersion: "1.1.0", name: "net", type: "example", prevResult: PREV_RESULT };

  /** Calls a plugin with these verbs; `change` alone is needed. */
  function call(command: string, verbs: Partial<ChainedPlugin<string>>, given: object = CONFIG): Outcome {
    const base = { name: "example", keys: [object({})], read: () => "config", change: () => undefined };
    const env = { CNI_CONTAINERID: "c", CNI_NETNS: "/nonexistent/netns", CNI_IFNAME: "eth0", CNI_PATH: "/nonexistent" };
    return callPlugin(chainedPlugin({ ...base, ...verbs }), { ...env, CNI_COMMAND: command }, given);
  }

  it("returns the result as it was, where ADD does not change it", () => {
    expect(call("ADD", {})).toMatchObject({ status: 0, json: PREV_RESULT });
  });

  it("returns the result that ADD has changed", () => {
    const change = ({ result }: { result: Result }): Result => ({ ...result, dns: {} });
    const { json } = call("ADD", { change });
    expect([json.ips, json.dns]).toEqual([PREV_RESULT.ips, undefined]);
  });

  it("takes back what an ADD has done that fails", () => {
    const done: string[] = [];
    const { json } = call("ADD", {
      change({ undo }) {
        undo.defer(() => done.push("taken back"));
        throw new Error("no");
      },
    });
    expect([json.msg, done]).toEqual([expect.stringContaining("no"), ["taken back"]]);
  });

  it("reads no configuration for DEL and GC, and asks for no prevResult", () => {
    const called: string[] = [];
    const verbs: Partial<ChainedPlugin<string>> = {
      read: () => {
        throw new Error("the configuration has changed");
      },
      end: ({ prevResult }) => void called.push(`end ${prevResult === undefined}`),
      collect: () => void called.push("collect"),
    };
    const { prevResult: _, ...without } = CONFIG;
    for (const command of ["DEL", "GC"])
      expect(call(command, verbs, without)).toMatchObject({ status: 0, json: undefined });
    expect(called).toEqual(["end true", "collect"]);
  });

  it("gives CHECK the result of the whole list", () => {
    const seen: unknown[] = [];
    expect(call("CHECK", { check: ({ result, config: read }) => void seen.push(result.dns, read) }).status).toBe(0);
    expect(seen).toEqual([PREV_RESULT.dns, "config"]);
  });

  it("tells by STATUS, with code 50, what stands in the way", () => {
    expect(call("STATUS", { unavailable: () => undefined })).toMatchObject({ status: 0, json: undefined });
    const { json } = call("STATUS", { unavailable: () => "no clsact" });
    expect(json).toMatchObject({ code: 50, msg: "example: this node can't do it: no clsact" });
  });

  it("needs nothing but change", () => {
    for (const command of ["CHECK", "DEL", "GC", "STATUS"]) expect(call(command, {})).toMatchObject({ status: 0 });
  });
});
