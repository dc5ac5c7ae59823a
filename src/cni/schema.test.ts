import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cidr, interfaceName, ip, mac } from "./fields.ts";
import type { JsonValue } from "./json.ts";
import {
  array,
  boolean,
  type Infer,
  integer,
  json,
  jsonObject,
  object,
  oneOf,
  optional,
  record,
  type Schema,
  string,
  text,
  unsupported,
  withDefault,
} from "./schema.ts";

const ranges = object({
  ipam: object({ ranges: array(array(object({ subnet: cidr(), gateway: optional(ip()) }))) }),
});

function failure(schema: Schema<unknown>, value: JsonValue, at = "key"): { code: number; message: string } {
  try {
    schema.read(value, at);
  } catch (error) {
    expect(error).toMatchObject({ name: "CniError" });
    const { code, message } = error as unknown as { code: number; message: string };
    return { code, message };
  }
  throw new Error(`${JSON.stringify(value)} was taken`);
}

describe("read()", () => {
  it("names the path, the value and what is allowed", () => {
    const value = { ipam: { ranges: [[{ subnet: "10.0.0.0/24" }, { subnet: "10.0.0.0/33" }]] } };
    expect(failure(ranges, value, "")).toEqual({
      code: 7,
      message: 'ipam.ranges[0][1].subnet: "10.0.0.0/33" is not a CIDR prefix',
    });
  });

  it.each<[string, Schema<unknown>, JsonValue, string]>([
    ["a string", string(), 1, "key: 1 is not a string"],
    ["a boolean", boolean(), "true", 'key: "true" is not true or false'],
    ["an integer", integer(0, 9), "1", 'key: "1" is not a whole number from 0 to 9'],
    ["a whole number", integer(0, 9), 1.5, "key: 1.5 is not a whole number from 0 to 9"],
    ["a word", oneOf(["a", "b"]), true, "key: true is not a string"],
    ["a text", cidr(), {}, "key: {} is not a string"],
    ["an array", array(string()), { 0: "x" }, 'key: {"0":"x"} is not an array'],
    ["an element", array(string()), ["x", 2], "key[1]: 2 is not a string"],
    ["a null element", array(string()), [null], "key[0]: null is not a string"],
    ["an object", object({}), [], "key: [] is not an object"],
    ["an object of any kind", jsonObject(), "x", 'key: "x" is not an object'],
    ["a record", record(string()), 1, "key: 1 is not an object"],
    ["an entry", record(boolean()), { a: 1 }, "key.a: 1 is not true or false"],
    ["an odd entry", record(boolean()), { "a b": 1 }, 'key["a b"]: 1 is not true or false'],
    ["a field", object({ a: string() }), { a: 1 }, "key.a: 1 is not a string"],
  ])("answers what should be %s and has another type with code 6", (_, schema, value, message) => {
    expect(failure(schema, value)).toEqual({ code: 6, message });
  });

  it.each<[string, Schema<unknown>, JsonValue, string]>([
    ["a number too large", integer(0, 65535), 65536, "key: 65536 is not a number from 0 to 65535"],
    ["a number too small", integer(1, 9), 0, "key: 0 is not a number from 1 to 9"],
    ["an unknown word", oneOf(["iptables", "nftables"]), "pf", 'key: "pf" is not one of "iptables", "nftables"'],
    ["a prefix without length", cidr(), "10.0.0.0", 'key: "10.0.0.0" is not a CIDR prefix'],
    ["an address that is none", ip(), "10.0.0.256", 'key: "10.0.0.256" is not an IP address'],
    ["a MAC address that is none", mac(), "0a:00", 'key: "0a:00" is not a MAC address'],
    ["a name that is no interface's", interfaceName(), "a/b", 'key: "a/b" is not an interface name'],
    ["an absent key", object({ a: string() }), {}, "key.a is missing"],
    ["a null", object({ a: string() }), { a: null }, "key.a is missing"],
  ])("answers %s with code 7", (_, schema, value, message) => {
    const error = failure(schema, value);
    expect(error.code).toBe(7);
    expect(error.message).toContain(message);
  });

  it("says at the top, where there is no path, only what is wrong", () => {
    expect(failure(object({}), 5, "").message).toBe("5 is not an object");
    expect(failure(object({ name: string() }), {}, "").message).toBe("name is missing");
  });

  it("quotes keys that are no words", () => {
    expect(failure(object({ "cni.dev/x": string() }), { "cni.dev/x": 1 }, "").message).toBe(
      '["cni.dev/x"]: 1 is not a string',
    );
  });

  it("shows a long value in part", () => {
    expect(failure(string(), ["x".repeat(1000)]).message.length).toBeLessThan(120);
  });

  it("says what a missing key is for", () => {
    expect(() => object({ master: string("the interface to hang on") }).read({}, "")).toThrow(
      expect.objectContaining({ message: "master is missing", details: "the interface to hang on" }),
    );
  });
});

describe("object()", () => {
  const schema = object({
    bridge: withDefault(string(), "cni0"),
    mtu: optional(integer(68, 65535)),
    ipMasq: withDefault(boolean(), false),
    ipMasqBackend: optional(oneOf(["iptables", "nftables"])),
  });
  type Config = Infer<typeof schema>;

  it("reads what is there and fills in what isn't", () => {
    const config: Config = schema.read({ bridge: "br0", ipMasqBackend: "nftables" }, "");
    expect(config).toEqual({ bridge: "br0", mtu: undefined, ipMasq: false, ipMasqBackend: "nftables" });
  });

  it("infers the type", () => {
    const config = schema.read({ mtu: 1500 }, "");
    const mtu: number | undefined = config.mtu;
    const backend: "iptables" | "nftables" | undefined = config.ipMasqBackend;
    // @ts-expect-error a key that the schema does not have
    expect([mtu, backend, config.other]).toEqual([1500, undefined, undefined]);
    // @ts-expect-error a string is no boolean
    const wrong: string = config.ipMasq;
    expect(wrong).toBe(false);
  });

  it("passes over keys that it does not know", () => {
    expect(schema.read({ foo: 1, "": 2, constructor: 3 }, "")).toEqual(schema.read({}, ""));
  });

  it("is not fooled by keys of Object.prototype", () => {
    const hostile = JSON.parse('{"__proto__": {"bridge": "evil"}, "toString": 1, "hasOwnProperty": 2}');
    expect(schema.read(hostile, "").bridge).toBe("cni0");
  });

  it("finds keys whatever their case, and the last of those that differ by it", () => {
    expect(schema.read({ BRIDGE: "a" }, "").bridge).toBe("a");
    expect(schema.read({ bridge: "a", Bridge: "b" }, "").bridge).toBe("b");
    expect(schema.read({ Bridge: "b", bridge: "a" }, "").bridge).toBe("a");
    expect(schema.read({ bridge: "a", Bridge: null }, "").bridge).toBe("a");
  });

  it("takes null for absent", () => {
    expect(schema.read({ bridge: null, mtu: null, ipMasq: null }, "")).toEqual(schema.read({}, ""));
  });

  it("takes an empty text for absent where Go does, and only there", () => {
    const addresses = object({ gateway: optional(ip()), mac: optional(mac()) });
    expect(addresses.read({ gateway: "", mac: "" }, "")).toEqual({});
    expect(failure(object({ subnet: optional(cidr()) }), { subnet: "" }).message).toBe(
      'key.subnet: "" is not a CIDR prefix',
    );
    expect(failure(object({ gateway: ip() }), { gateway: "" }).message).toBe("key.gateway is missing");
  });

  it("never throws anything but a CniError, whatever the JSON", () => {
    const whole = object({ ...{ a: ranges, b: array(cidr()), c: record(integer(0, 1)) }, d: optional(mac()) });
    const key = fc.constantFrom("a", "b", "c", "d", "ipam", "ranges", "subnet", "A");
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.double());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie("tree")), fc.dictionary(key, tie("tree"))),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        try {
          whole.read(JSON.parse(JSON.stringify(value) ?? "null") ?? 0, "");
        } catch (error) {
          expect(error).toMatchObject({ name: "CniError", code: expect.toSatisfy((code) => code === 6 || code === 7) });
        }
      }),
    );
  });
});

describe("record()", () => {
  it("reads every entry but those that are null", () => {
    const values = record(boolean()).read({ portMappings: true, mac: false, x: null }, "capabilities");
    expect([...values]).toEqual([
      ["portMappings", true],
      ["mac", false],
    ]);
  });
});

describe("text()", () => {
  it("returns what the parser makes of it", () => {
    const even = text("an even number", (given) => (Number(given) % 2 === 0 ? Number(given) : undefined));
    expect(even.read("4", "n")).toBe(4);
    expect(failure(even, "5").message).toBe('key: "5" is not an even number');
  });
});

describe("json()", () => {
  it("returns anything as it is", () => {
    expect(json().read([1, { a: null }], "x")).toEqual([1, { a: null }]);
    expect(jsonObject().read({ A: 1 }, "x")).toEqual({ A: 1 });
  });
});

describe("unsupported()", () => {
  const schema = object({ hairpin: unsupported("use hairpinMode") });

  it("refuses the key with code 2, naming key and value", () => {
    expect(() => schema.read({ hairpin: [1] }, "")).toThrow(
      expect.objectContaining({ code: 2, message: "hairpin: [1] is not supported", details: "use hairpinMode" }),
    );
  });

  it("does nothing where the key is absent", () => {
    expect(schema.read({}, "")).toEqual({});
  });
});

describe("fields", () => {
  it("parse addresses into bytes", () => {
    expect(cidr().read("10.22.0.5/16", "x")).toEqual({ ip: Uint8Array.of(10, 22, 0, 5), prefixLength: 16 });
    expect(ip().read("10.22.0.1", "x")).toEqual(Uint8Array.of(10, 22, 0, 1));
    expect(mac().read("0A:00:00:00:00:01", "x")).toEqual(Uint8Array.of(10, 0, 0, 0, 0, 1));
    expect(interfaceName().read("cni0", "x")).toBe("cni0");
  });
});
