import { describe, expect, it } from "vitest";
import { cidr, ip } from "./fields.ts";
import { toJsonSchema } from "./json-schema.ts";
import {
  array,
  boolean,
  integer,
  json,
  jsonObject,
  object,
  oneOf,
  optional,
  record,
  string,
  unsupported,
  withDefault,
} from "./schema.ts";

describe("toJsonSchema()", () => {
  it("says what every kind of schema takes, with descriptions, ranges and defaults", () => {
    const schema = object({
      bridge: withDefault(string("name of the bridge"), "cni0"),
      mtu: optional(integer(68, 65535, "in bytes")),
      isGateway: withDefault(boolean(), false),
      backend: optional(oneOf(["iptables", "nftables"])),
      subnets: array(cidr("where from")),
      subnet: withDefault(cidr(), { ip: Uint8Array.of(10, 0, 0, 0), prefixLength: 8 }),
      capabilities: optional(record(boolean())),
      args: optional(jsonObject("anything")),
      any: optional(json()),
      old: unsupported("gone"),
    });
    expect(toJsonSchema(schema)).toEqual({
      type: "object",
      required: ["subnets"],
      properties: {
        bridge: { type: "string", description: "name of the bridge", default: "cni0" },
        mtu: { type: "integer", minimum: 68, maximum: 65535, description: "in bytes" },
        isGateway: { type: "boolean", default: false },
        backend: { type: "string", enum: ["iptables", "nftables"] },
        subnets: {
          type: "array",
          items: { type: "string", $comment: "must be a CIDR prefix", description: "where from" },
        },
        subnet: { type: "string", $comment: "must be a CIDR prefix" },
        capabilities: { type: "object", additionalProperties: { type: "boolean" } },
        args: { type: "object", description: "anything" },
        any: {},
        old: { not: {}, description: "gone" },
      },
    });
  });

  it('tells the pattern of a text where one is known, and that "" counts as absent where it does', () => {
    const patterns = { "a CIDR prefix": "^[0-9./]+$", "an IP address": "^[0-9.]+$" };
    expect(toJsonSchema(object({ a: cidr(), b: optional(ip()) }), patterns)).toMatchObject({
      properties: { a: { pattern: "^[0-9./]+$" }, b: { pattern: "^$|^[0-9.]+$" } },
    });
  });

  it("tells of a list that must not be empty", () => {
    expect(toJsonSchema(array(string(), "", 1))).toEqual({ type: "array", items: { type: "string" }, minItems: 1 });
  });

  it("requires nothing where every key may be absent", () => {
    expect(toJsonSchema(object({ a: optional(string()) }))).not.toHaveProperty("required");
  });
});
