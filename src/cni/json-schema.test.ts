import { describe, expect, it } from "vitest";
import { cidr } from "./fields.ts";
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
    expect(toJsonSchema(schema, "bridge")).toEqual({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "bridge",
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

  it("requires nothing where every key may be absent", () => {
    expect(toJsonSchema(object({ a: optional(string()) }), "x")).not.toHaveProperty("required");
  });
});
