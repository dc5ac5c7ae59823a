import fc from "fast-check";
import { expect, it } from "vitest";
import { type LeaseRecord6, leaseRecord6From, leaseRecord6ToJson } from "./records.ts";

const ip = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((bytes) => bytes[0] !== 0);
const duid = fc.uint8Array({ minLength: 1, maxLength: 130 });
const number = fc.nat(0xffffffff);
const texts = fc.option(fc.array(fc.string(), { minLength: 1, maxLength: 2 }), { nil: undefined });
const dns = fc.record({ nameservers: texts, search: texts });
const record: fc.Arbitrary<LeaseRecord6> = fc.record({
  identity: fc.record({ duid, iaid: number }),
  given: fc.record({
    isManaged: fc.boolean(),
    addresses: fc.array(fc.record({ ip, prefixLength: fc.constantFrom(64, 128) }), { maxLength: 2 }),
    gateway: fc.option(ip, { nil: undefined }),
    dns,
  }),
  lease: fc.option(
    fc.record({ ip, preferred: number, valid: number, t1: number, t2: number, server: duid, dns, since: number }),
    { nil: undefined },
  ),
});

const written = (one: LeaseRecord6): unknown => JSON.parse(JSON.stringify(leaseRecord6ToJson(one)));

it("a record is read as it was written", () => {
  fc.assert(fc.property(record, (one) => void expect(leaseRecord6From(written(one))).toEqual(one)));
});

it("a record that lacks something, or has something else, is none", () => {
  const one = fc.sample(
    record.filter(({ lease }) => lease !== undefined),
    1,
  )[0];
  if (one === undefined) throw new Error("there is one");
  for (const path of [
    ["identity"],
    ["given"],
    ["identity", "duid"],
    ["given", "addresses"],
    ["lease", "ip"],
    ["lease", "valid"],
  ]) {
    for (const value of [undefined, 7.5, "?", ["?"], {}]) {
      const text = JSON.parse(JSON.stringify(leaseRecord6ToJson(one)));
      const [outer = "", inner] = path;
      if (inner === undefined) text[outer] = value;
      else text[outer][inner] = value;
      const isNumber = inner === "valid" && typeof value === "number";
      expect([path, value, leaseRecord6From(text) === undefined]).toEqual([path, value, !isNumber]);
    }
  }
});
