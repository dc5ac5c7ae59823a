// STATUS: whether an ADD could be served now, and if not, why.

import { beforeAll, describe, expect, it } from "vitest";
import { withoutNetfilter } from "../../support/interfere.ts";
import type { TestNetns } from "../../support/netns.ts";
import { becomeNode, leftovers } from "./node.ts";
import { add, attach, callNetwork, containerFor, del, networkOf, TYPES, tryAdd } from "./runtime.ts";

beforeAll(() => {
  becomeNode();
});

describe.each(TYPES)("%s", (type) => {
  it("succeeds without a word, before the first ADD and after", () => {
    const config = networkOf(type);
    expect(callNetwork("STATUS", config)).toMatchObject({ status: 0, stdout: "" });
    expect(leftovers()).toEqual([]);
    attach(config);
    expect(callNetwork("STATUS", config)).toMatchObject({ status: 0, stdout: "" });
  });

  it.each([
    ["IPv4", ["10.7.0.0/30", "fd07::/112"], "10.7.0.1-10.7.0.2"],
    ["IPv6", ["10.7.0.0/24", "fd07::/126"], "fd07::"],
  ])("is 50 while every address of the %s range is taken, until one is given back", (_, subnets, range) => {
    const config = networkOf(type, subnets);
    const containers: TestNetns[] = [];
    for (let outcome = callNetwork("STATUS", config); outcome.status === 0; outcome = callNetwork("STATUS", config)) {
      const container = containerFor(config);
      containers.push(container);
      add(config, container);
    }
    const reason = expect.stringContaining("no IP addresses available in range set");
    expect(callNetwork("STATUS", config)).toMatchObject({ status: 1, json: { code: 50, msg: reason } });
    expect(callNetwork("STATUS", config).json.msg).toContain(range);
    // It is right: ADD fails, and leaves nothing.
    const before = leftovers();
    const late = containerFor(config);
    expect(tryAdd(config, late)).toMatchObject({ status: 1, json: { msg: reason } });
    expect(leftovers()).toEqual(before);
    const [first] = containers;
    if (first) expect(del(config, first)).toMatchObject({ status: 0 });
    expect(callNetwork("STATUS", config)).toMatchObject({ status: 0, stdout: "" });
    expect(add(config, late).ips).toHaveLength(2);
  });

  it("is 50 on a kernel without nf_tables, where ADD fails and leaves nothing, and DEL succeeds", () => {
    const config = networkOf(type);
    const through = withoutNetfilter();
    expect(callNetwork("STATUS", config, { through })).toMatchObject({
      status: 1,
      json: { code: 50, msg: expect.stringMatching(/ipMasq: this node can't .*EPROTONOSUPPORT/) },
    });
    const container = containerFor(config);
    expect(tryAdd(config, container, { through })).toMatchObject({
      status: 1,
      json: { code: 999, msg: expect.stringContaining("EPROTONOSUPPORT") },
    });
    expect(leftovers()).toEqual([]);
    for (const _ of ["once", "twice"])
      expect(del(config, container, { through })).toMatchObject({ status: 0, stdout: "" });
    expect(leftovers()).toEqual([]);
  });

  it("does not ask for nf_tables where the network has no masquerade", () => {
    const config = networkOf(type, undefined, { ipMasq: false });
    expect(callNetwork("STATUS", config, { through: withoutNetfilter() })).toMatchObject({ status: 0, stdout: "" });
    const container = containerFor(config);
    expect(tryAdd(config, container, { through: withoutNetfilter() })).toMatchObject({ status: 0 });
    expect(del(config, container, { through: withoutNetfilter() })).toMatchObject({ status: 0 });
    expect(leftovers()).toEqual([]);
  });

  it("is 50 without the privilege to change nf_tables", () => {
    const through = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];
    expect(callNetwork("STATUS", networkOf(type), { through })).toMatchObject({
      status: 1,
      json: { code: 50, msg: expect.stringContaining("EPERM") },
    });
  });
});
