import { describe, expect, it } from "vitest";
import { wrongKeys } from "../../test/e2e/bad-input/wrong-types.ts";
import { parseConfig } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import { formatCidr } from "../wire/ip.ts";
import { bandwidthSchema, readLimits } from "./config.ts";

const read = (keys: object) => {
  const bytes = new TextEncoder().encode(
    JSON.stringify({ cniVersion: "1.0.0", name: "n", type: "bandwidth", ...keys }),
  );
  return readLimits({ config: parseConfig(bytes, "ADD") });
};

function refused(keys: object): CniError {
  try {
    read(keys);
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(keys)} is accepted`);
}

const EGRESS = { egressRate: 8000, egressBurst: 16_000 };

describe("readLimits", () => {
  it("is nothing where nothing, or 0, is asked for", () => {
    for (const keys of [
      {},
      { ingressRate: 0, egressRate: null },
      { runtimeConfig: {} },
      { runtimeConfig: { bandwidth: {} } },
    ]) {
      expect(read(keys)).toBeUndefined();
    }
  });

  it("reads the keys of the network, and those of the runtime, whatever their case", () => {
    expect(read({ EgressRate: 8000, egressburst: 16_000 })).toMatchObject({ egress: { rate: 8000, burst: 16_000 } });
    expect(read({ runtimeConfig: { bandwidth: EGRESS } })).toMatchObject({ egress: { rate: 8000, burst: 16_000 } });
  });

  it("takes the network's in place of all that the runtime asks for, even where it says 0", () => {
    const runtimeConfig = { bandwidth: { ingressRate: 8, ingressBurst: 8, ...EGRESS } };
    expect(read({ ingressRate: 16, ingressBurst: 16, runtimeConfig })).toMatchObject({
      ingress: { rate: 16 },
      egress: undefined,
    });
    expect(read({ ingressRate: 0, runtimeConfig })).toBeUndefined();
  });

  it("does not judge what is replaced", () => {
    expect(read({ ...EGRESS, runtimeConfig: { bandwidth: { ingressRate: 7 } } })).toMatchObject({ ingress: undefined });
  });

  it("takes latency and subnets from the network, for the runtime's rates, too", () => {
    const runtimeConfig = { bandwidth: { ...EGRESS, latency: 9, shapedSubnets: ["10.0.0.0/8"] } };
    const limits = read({ latency: 50, unshapedSubnets: ["10.1.2.3/16", "fd00::1/8"], runtimeConfig });
    expect(limits).toMatchObject({ latency: 50, subnets: { isSpared: true } });
    expect(limits?.subnets?.prefixes.map(formatCidr)).toEqual(["10.1.0.0/16", "fd00::/8"]);
    expect(read({ shapedSubnets: ["0.0.0.0/0"], ...EGRESS })).toMatchObject({ subnets: { isSpared: false } });
  });
});

describe("a wrong value", () => {
  it.each([
    [{ ingressRate: 8 }, "ingressBurst is missing: ingressRate needs one"],
    [{ egressBurst: 8 }, "egressRate is missing: egressBurst needs one"],
    [{ ingressRate: 7, ingressBurst: 8 }, "ingressRate: 7 is less than 8, a byte a second"],
    [{ ingressRate: 8, ingressBurst: 7 }, "ingressBurst: 7 is less than 8, a byte"],
    [{ ingressRate: 8, ingressBurst: 8 * 0xffffffff }, "ingressBurst: 34359738360 is more than 34359738359"],
    [{ ingressRate: -1, ingressBurst: 8 }, "ingressRate: -1 is not a number from 0 to 9007199254740991"],
    [{ ingressRate: 2 ** 53, ingressBurst: 8 }, "ingressRate: 9007199254740992 is not a number from 0"],
    [{ runtimeConfig: { bandwidth: { egressRate: 7, egressBurst: 8 } } }, "runtimeConfig.bandwidth.egressRate: 7"],
    [{ ...EGRESS, latency: 0 }, "latency: 0 is not a number from 1 to 60000"],
    [{ ...EGRESS, latency: 60_001 }, "latency: 60001"],
    [{ ...EGRESS, shapedSubnets: ["10.0.0.0"] }, 'shapedSubnets[0]: "10.0.0.0" is not a CIDR prefix'],
    [{ ...EGRESS, shapedSubnets: ["10.0.0.0/8"], unshapedSubnets: ["fd00::/8"] }, "exclude each other"],
    [{ ...EGRESS, shapedSubnets: Array(1001).fill("10.0.0.0/8") }, "shapedSubnets: 1001 subnets are more than 1000"],
  ])("is named with code 7: %j", (keys, message) => {
    const error = refused(keys);
    expect([error.code, error.message]).toEqual([7, expect.stringContaining(message)]);
  });

  const wrong = wrongKeys(bandwidthSchema, "", (value) => value).filter(({ at }) => at !== "");

  it.each(wrong.map((one) => [one.at, one] as const))(
    "of another type is named with code 6: %s",
    (at, { wrongTypes, put }) => {
      expect(wrongTypes.length).toBeGreaterThan(0);
      for (const value of wrongTypes) {
        const error = refused(put(value));
        expect([error.code, error.message]).toEqual([6, expect.stringContaining(at)]);
      }
    },
  );

  it("is looked for in every key", () => {
    expect(wrong.map(({ at }) => at)).toEqual(
      expect.arrayContaining(["ingressRate", "latency", "shapedSubnets[0]", "runtimeConfig.bandwidth.egressBurst"]),
    );
  });
});
