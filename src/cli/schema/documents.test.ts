import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cli } from "../../../test/support/cli.ts";
import { configSchema, parseConfig } from "../../cni/config.ts";
import { CniError } from "../../cni/error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../cni/json.ts";
import { object, type Schema } from "../../cni/schema.ts";
import { containerOptionsSchema, optionsOf } from "../../masquerade/options/options.ts";
import { PLUGIN_NAMES, PLUGINS } from "../../plugins/all.ts";
import { engine } from "../../sys/engine.ts";
import { IPAM, LISTED, schemaDocument } from "./documents.ts";
import { patterns } from "./patterns.ts";

function validator(plugin?: string): ValidateFunction {
  const document = schemaDocument(plugin);
  if (document === undefined) throw new Error(plugin);
  // "type" beside "oneOf" and the like is meant; keywords that it does not know are not.
  return new Ajv2020({ strict: true, strictTypes: false, strictRequired: false }).compile(document);
}

function accepts(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof CniError) return false;
    throw error;
  }
}

/** Whether all the plugin's readers take it; `type` and, for ptp, `ipam.type` are what a runtime and the plugin need. */
function reads(plugin: string, config: JsonObject): boolean {
  return accepts(() => {
    const parsed = parseConfig(engine.encode(JSON.stringify(config)), "ADD");
    for (const schema of LISTED.get(plugin)?.keys ?? []) schema.read(config, "");
    const { keys = [], ipam: asksIpam } = LISTED.get(plugin) ?? {};
    if (keys.some(({ shape }) => shape.kind === "object" && "ipMasqOptions" in shape.fields)) optionsOf(parsed);
    if (asksIpam === undefined) return;
    const { ipam } = config;
    const type = isJsonObject(ipam) ? ipam["type"] : undefined;
    if (typeof type === "string") for (const schema of IPAM.get(type)?.keys ?? []) schema.read(ipam ?? {}, "ipam");
  });
}

const TEXTS: readonly string[] = [
  ...["10.22.0.5/16", "10.22.0.5", "10.22.0.0/33", "010.1.1.1", "fd00::1", "fd00::/64", "fd00::/129", "::", "1::2::3"],
  ...["10.0.0.1-10.0.0.9", "fd00::1-fd00::2", "80", "0", "65535", "65536", "1-1024", "eth0", "a/b", ".", "", "x y"],
  ...["0a:58:0a:16:00:05", "0a58.0a16.0005", "0a:58", "nftables", "iptables", "ipv4", "fully", "host-local", "static"],
  ...["an-interface-name-too-long", "/var/lib/cni", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:1.2.3.4", "10.0.0.0/08", "::/0128"],
  ...["tcp", "Udp", "SCTP", "icmp"],
];
const texts = fc.oneof(fc.constantFrom(...TEXTS), fc.ipV4(), fc.ipV6());
const anything: fc.Arbitrary<JsonValue> = fc.oneof(
  texts,
  fc.boolean(),
  fc.constantFrom(0, 1, -1, 1.5, 68, 4094, 4095, 65535, 65536, 2 ** 32),
  fc.constant([]),
  fc.constant({}),
);

/** Values for a schema: as a rule of the kind that it wants, right or wrong, and sometimes of another. */
function valuesFor(schema: Schema<unknown>): fc.Arbitrary<JsonValue> {
  return fc.oneof({ weight: 12, arbitrary: ownValues(schema) }, { weight: 1, arbitrary: anything });
}

function ownValues({ shape }: Schema<unknown>): fc.Arbitrary<JsonValue> {
  switch (shape.kind) {
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.oneof(fc.integer({ min: shape.min, max: shape.max }), fc.constantFrom(shape.min - 1, shape.max + 1));
    case "one of":
      return fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...shape.values, "") }, texts);
    case "string":
    case "text":
      return texts;
    case "array":
      return fc.array(valuesFor(shape.element), { maxLength: 2 });
    case "record":
      return fc.dictionary(fc.constantFrom("a", "b"), valuesFor(shape.element));
    case "object": {
      const fields = Object.entries(shape.fields).map(([key, field]) => [key, valuesFor(field)] as const);
      return fc.record<Record<string, JsonValue>>(Object.fromEntries(fields), { requiredKeys: [] });
    }
    case "optional":
      return valuesFor(shape.inner);
    case "json object":
      return fc.constant({});
    case "json":
    case "unsupported":
      return anything;
  }
}

const { shape } = containerOptionsSchema;
const ALLOWABLE = shape.kind === "object" ? Object.keys(shape.fields) : [];
const VALID = {
  name: "dual",
  cniVersion: "1.0.0",
  ipam: { type: "elsewhere" },
  // A schema can't tell what the network lets a container choose: here it lets the container choose everything.
  ipMasqOptions: { allow: ALLOWABLE },
  capabilities: { ipMasq: true },
};

/** The keys that a plugin must have. */
const REQUIRED: Readonly<Record<string, object>> = {
  vlan: { master: "eth1", vlanId: 5 },
  vrf: { vrfname: "blue" },
};

describe("the JSON Schema of a plugin", () => {
  for (const [plugin, { keys }] of LISTED) {
    it(`takes of each key of ${plugin} what its reader takes, and nothing else`, () => {
      const validate = validator(plugin);
      let taken = 0;
      for (const schema of [configSchema, ...keys]) {
        if (schema.shape.kind !== "object") throw new Error("not an object");
        for (const [key, field] of Object.entries(schema.shape.fields)) {
          // What the document says besides the definitions, in the table below.
          if (["type", "name", "cniVersion", "ipam", "prevResult"].includes(key)) continue;
          const property = (value: JsonValue): void => {
            const config = { ...VALID, ...REQUIRED[plugin], type: plugin, [key]: value };
            const isRead = reads(plugin, config);
            if (isRead) taken++;
            expect({ config, isTaken: validate(config) }).toEqual({ config, isTaken: isRead });
          };
          fc.assert(fc.property(valuesFor(field), property), { numRuns: key.includes("Masq") ? 200 : 50 });
        }
      }
      expect(taken).toBeGreaterThan(50);
    });
  }

  for (const [type, { keys }] of IPAM) {
    it(`takes of the section of ${type} what its reader takes, by itself and in a plugin's configuration`, () => {
      const [schema = object({})] = keys;
      const alone = validator(type);
      const within = validator("ptp");
      const property = (value: JsonValue): void => {
        if (!isJsonObject(value)) return;
        const ipam = { ...value, type };
        const isRead = accepts(() => schema.read(ipam, "ipam"));
        expect({ ipam, is: [alone(ipam), within({ ...VALID, type: "ptp", ipam })] }).toEqual({
          ipam,
          is: [isRead, isRead],
        });
      };
      fc.assert(fc.property(ownValues(schema), property), { numRuns: 500 });
    });
  }

  it("has a pattern for every kind of text, and each takes what the parser takes", () => {
    const known = patterns();
    const nouns = new Set<string>();
    const visit = (schema: Schema<unknown>): void => {
      const { shape } = schema;
      if (shape.kind === "array" || shape.kind === "record") visit(shape.element);
      if (shape.kind === "optional") visit(shape.inner);
      if (shape.kind === "object") Object.values(shape.fields).forEach(visit);
      if (shape.kind !== "text") return;
      nouns.add(shape.noun);
      const pattern = new RegExp(known[shape.noun] ?? "no pattern", "u");
      const property = (one: string): void => {
        expect([shape.noun, one, pattern.test(one)]).toEqual([shape.noun, one, accepts(() => schema.read(one, ""))]);
      };
      for (const one of TEXTS) property(one);
      fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), property), { numRuns: 50 });
    };
    for (const { keys } of PLUGINS) keys.forEach(visit);
    visit(configSchema);
    expect([...nouns].sort()).toEqual(Object.keys(known).sort());
  });

  /** Instead of addresses that the runtime brings: see static-config.ts. */
  const PLACEHOLDERS: readonly JsonValue[] = [
    [{ gateway: "10.10.0.254" }],
    [{ address: "" }],
    [{}],
    [{ address: "10.10.0.1" }],
    [{ address: "10.10.0.1", gateway: "10.10.0.254" }],
    [{ address: "dynamic" }],
  ];
  const table: readonly (readonly [what: string, plugin: string, config: JsonObject, isRight: boolean])[] = [
    ["another plugin's type", "bridge", { type: "ptp" }, false],
    ["no type", "bridge", {}, false],
    ["ptp without ipam", "ptp", { type: "ptp" }, false],
    ["bridge without ipam", "bridge", { type: "bridge" }, true],
    ["an IPAM plugin of others", "ptp", { type: "ptp", ipam: { type: "whereabouts", range: 7 } }, true],
    ...["ptp", "bridge"].flatMap((type) =>
      PLACEHOLDERS.map((addresses): [string, string, JsonObject, boolean] => [
        `static's placeholder ${JSON.stringify(addresses)} in ${type}`,
        type,
        { type, ipam: { type: "static", addresses } },
        true,
      ]),
    ),
    [
      "an address of static that is a number",
      "ptp",
      { type: "ptp", ipam: { type: "static", addresses: [{ address: 5 }] } },
      false,
    ],
    ["a wrong subnet", "ptp", { type: "ptp", ipam: { type: "host-local", subnet: "10.0.0.0/99" } }, false],
    ["an unknown version", "loopback", { type: "loopback", cniVersion: "9.9" }, false],
    ["a name that no network may have", "loopback", { type: "loopback", name: "a b" }, false],
    ["keys of others", "loopback", { type: "loopback", name: "lo", "x.example/key": [] }, true],
  ];
  for (const [what, plugin, config, isRight] of table) {
    it(`${isRight ? "takes" : "refuses"} ${what}`, () => {
      expect(validator(plugin)(config)).toBe(isRight);
    });
  }
});

describe("bauta schema", () => {
  const CONFLIST = {
    cniVersion: "1.0.0",
    name: "dual",
    plugins: [
      {
        type: "bridge",
        isGateway: true,
        ipMasq: true,
        ipam: { type: "host-local", ranges: [[{ subnet: "10.0.0.0/16" }]] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };

  it("prints the schema of a conflist, which knows our plugins and lets others be", () => {
    const { status, stdout } = cli(["schema"]);
    expect(status).toBe(0);
    const validate = new Ajv2020({ strictTypes: false, strictRequired: false }).compile(JSON.parse(stdout));
    expect(validate(CONFLIST)).toBe(true);
    const wrong = { ...CONFLIST, plugins: [{ ...CONFLIST.plugins[0], ipMasq: "yes" }] };
    expect(validate(wrong)).toBe(false);
    expect(validate({ ...CONFLIST, plugins: [] })).toBe(false);
  });

  // By the reader of lists in libcni/conf.go, NetworkConfFromBytes().
  it.each<[what: string, keys: JsonObject, isRight: boolean]>([
    ["a flag as a text", { disableCheck: "true" }, true],
    ["a flag as a text in capitals", { disableGC: "FALSE", loadOnlyInlinedPlugins: "True" }, true],
    ["a flag", { disableCheck: true, disableGC: false, loadOnlyInlinedPlugins: true }, true],
    ["a flag that is another text", { disableCheck: "yes" }, false],
    ["a flag that is a number", { disableGC: 1 }, false],
    ["a flag that is null", { disableGC: null }, false],
    ["versions to choose from", { cniVersions: ["0.3.1", "1.1.0", "2.0.0"], cniVersion: "2.0" }, true],
    ["no versions to choose from", { cniVersions: [] }, true],
    ["versions that are none", { cniVersions: ["new"] }, false],
    ["versions that are no texts", { cniVersions: [1] }, false],
    ["an empty version", { cniVersion: "" }, true],
    ["a version that our plugins do not speak", { cniVersion: "2.0.0" }, false],
    ["a version of another type", { cniVersion: 1 }, false],
    ["a plugin without a type", { plugins: [{ ipMasq: true }] }, false],
    ["a plugin with an empty type", { plugins: [{ type: "" }] }, false],
    ["plugins that are no list", { plugins: {} }, false],
    ["a key of somebody else's", { "x.example/key": null }, true],
  ])("of a conflist %s", (_, keys, isRight) => {
    const validate = validator();
    expect([validate({ ...CONFLIST, ...keys }), validate.errors]).toEqual([
      isRight,
      isRight ? null : expect.anything(),
    ]);
  });

  it("takes a conflist without a version, and one whose plugins lie in files of their own", () => {
    const validate = validator();
    const { cniVersion: _, ...unversioned } = CONFLIST;
    expect(validate(unversioned)).toBe(true);
    const { plugins: __, ...apart } = CONFLIST;
    expect(validate(apart)).toBe(true);
    expect(validate({ ...apart, loadOnlyInlinedPlugins: "FALSE" })).toBe(true);
    expect(validate({ ...apart, loadOnlyInlinedPlugins: "true" })).toBe(false);
    expect(validate({ ...apart, loadOnlyInlinedPlugins: true })).toBe(false);
  });

  it("prints the schema of each plugin, with what its keys mean", () => {
    for (const plugin of PLUGIN_NAMES) {
      const { status, stdout } = cli(["schema", plugin]);
      expect([status, JSON.parse(stdout).$schema]).toEqual([0, "https://json-schema.org/draft/2020-12/schema"]);
    }
    const { properties } = JSON.parse(cli(["schema", "bridge"]).stdout);
    expect(properties.bridge).toMatchObject({ default: "cni0", description: expect.stringContaining("bridge") });
    expect(properties.runtimeConfig.properties).toMatchObject({ mac: {}, ips: {}, ipMasq: { type: "object" } });
  });

  it("knows no other plugin", () => {
    expect(cli(["schema", "brige"])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("did you mean bridge?"),
    });
    expect(cli(["schema", "nobody"])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/the plugins are .*bridge/),
    });
  });
});
