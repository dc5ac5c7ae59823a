// The walks of a plugin: each verb as a runtime calls it, and what the runtime does after a call that came to nothing.

import { join } from "node:path";
import { PLUGINS as OWN } from "../../src/plugins/all.ts";
import { PLUGINS } from "../e2e/masquerade/node.ts";
import type { TestNetns } from "../support/netns.ts";
import { type PluginOutcome, succeed } from "../support/plugin.ts";
import { stateOf, type WholeState, wholeStateOf } from "../support/whole-node.ts";
import { forgetAll, makeContainer } from "./place.ts";
import { callProgram, shell } from "./program.ts";
import type { Scenario } from "./scenarios.ts";
import { FAULT, type Outcome, type Walk } from "./walk.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results are whatever plugins take and print
type Json = any;

const NETWORK = "faults";

/** The container that calls are about. */
const OWN_ID = "victim";
/** One that is attached to the same network, and must come to no harm. */
const OTHER_ID = "bystander";

/** The plugin of a scenario, and its two containers. */
export class Attaching {
  readonly #scenario: Scenario;
  readonly #isChained: boolean;
  readonly #containers: Readonly<Record<string, TestNetns>>;
  /** What the plugin before has returned, by container. */
  readonly #before: Record<string, Json> = {};
  /** What the plugin's ADD has returned last. */
  #result: Json;

  /** Attaches the other container; and this one once, so that what stays for all is there. */
  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const own = OWN.find(({ name }) => name === scenario.plugin);
    if (own === undefined) throw new Error(`there is no plugin ${scenario.plugin}`);
    this.#isChained = own.kind === "chained";
    this.#containers = { [OWN_ID]: makeContainer(OWN_ID), [OTHER_ID]: makeContainer(OTHER_ID) };
    scenario.provide?.();
    for (const id of [OTHER_ID, OWN_ID]) this.#attachBefore(id);
    if (!scenario.isAlone) succeed(this.#call("ADD", OTHER_ID));
    this.prove();
  }

  /** Detaches all. */
  end(): void {
    for (const id of [OWN_ID, OTHER_ID]) {
      this.#call("DEL", id);
      const { before } = this.#scenario;
      if (this.#isChained && before !== undefined) this.#callPlugin(before.type, "DEL", id, before);
      this.#containers[id]?.remove();
    }
  }

  #attachBefore(id: string): void {
    const { before } = this.#scenario;
    if (!this.#isChained || before === undefined) return;
    this.#before[id] = succeed(this.#callPlugin(before.type, "ADD", id, before));
  }

  #call(command: string, id: string, more: Json = {}, through: readonly string[] = []): PluginOutcome {
    const { plugin, config, other = {} } = this.#scenario;
    const prevResult = command === "ADD" && this.#isChained ? { prevResult: this.#before[id] } : {};
    return this.#callPlugin(
      plugin,
      command,
      id,
      { ...config, ...(id === OTHER_ID ? other : {}), ...prevResult, ...more },
      through,
    );
  }

  #callPlugin(type: string, command: string, id: string, keys: Json, through: readonly string[] = []): PluginOutcome {
    const config = { cniVersion: "1.1.0", name: NETWORK, type, ...keys };
    const netns = this.#containers[id]?.path ?? "";
    const attachment = command === "GC" || command === "STATUS" ? {} : { containerId: id, netns, ifname: "eth0" };
    return callProgram(join(PLUGINS, type), { command, config, ...attachment }, through);
  }

  /** What a call leaves as a rule: links, addresses, rules and files. */
  state(): unknown {
    return stateOf([OWN_ID], shell);
  }

  whole(): WholeState {
    return wholeStateOf([OTHER_ID, OWN_ID], shell);
  }

  /** ADD, and its result for later calls. */
  add(through: readonly string[] = []): PluginOutcome {
    const outcome = this.#call("ADD", OWN_ID, {}, through);
    if (outcome.status === 0) this.#result = outcome.json;
    return outcome;
  }

  attach(): void {
    succeed(this.add());
  }

  check(through: readonly string[] = []): PluginOutcome {
    return this.#call("CHECK", OWN_ID, { prevResult: this.#result }, through);
  }

  del(through: readonly string[] = []): PluginOutcome {
    return this.#call("DEL", OWN_ID, { prevResult: this.#result }, through);
  }

  /** A runtime has no result of an ADD that came to nothing. */
  delWithoutResult(): void {
    succeed(this.#call("DEL", OWN_ID));
  }

  gc(through: readonly string[] = []): PluginOutcome {
    const valid = [{ containerID: OTHER_ID, ifname: "eth0" }];
    return this.#call("GC", OWN_ID, { "cni.dev/valid-attachments": valid, "cni.dev/attachments": valid }, through);
  }

  status(through: readonly string[] = []): PluginOutcome {
    return this.#call("STATUS", OWN_ID, {}, through);
  }

  /** What becomes of the interface when the container's namespace goes, which GC leaves to the kernel. */
  loseInterface(): void {
    const netns = this.#containers[OWN_ID];
    if (this.#isChained || netns === undefined) return;
    const isThere = netns.ipJson("link show").some(({ ifname }: Json) => ifname === "eth0");
    if (isThere) netns.ip("link delete eth0");
  }

  /** A new attachment, from its ADD to its DEL. */
  prove(): void {
    this.attach();
    succeed(this.check());
    succeed(this.del());
  }
}

/** All walks of a scenario, by the verb. */
export function walksOf(scenario: Scenario, of: () => Attaching): readonly Walk[] {
  const common = {
    judge: judgePlugin,
    prove: () => of().prove(),
    state: () => of().state(),
    whole: () => of().whole(),
    undoes: false,
  };
  const nothing = (): void => {};
  const add: Walk = {
    ...common,
    name: `${scenario.name} ADD`,
    undoes: true,
    prepare: nothing,
    call: (through) => of().add(through),
    verify: () => void succeed(of().check()),
    tidy: () => of().delWithoutResult(),
  };
  if (scenario.isFirst === true) {
    const state = (): unknown => withoutChance(of().whole());
    return [{ ...add, isFirst: true, prepare: forgetAll, state, whole: state }];
  }
  return [
    add,
    {
      ...common,
      name: `${scenario.name} ADD, then GC`,
      sections: ["kill"],
      prepare: nothing,
      call: (through) => of().add(through),
      tidy() {
        succeed(of().gc());
        of().loseInterface();
      },
    },
    {
      ...common,
      name: `${scenario.name} DEL`,
      prepare: () => of().attach(),
      call: (through) => of().del(through),
      tidy: () => void succeed(of().del()),
    },
    {
      ...common,
      name: `${scenario.name} CHECK`,
      prepare: () => of().attach(),
      call: (through) => of().check(through),
      tidy() {
        succeed(of().check());
        succeed(of().del());
      },
    },
    {
      ...common,
      name: `${scenario.name} GC`,
      prepare: () => of().attach(),
      call: (through) => of().gc(through),
      tidy() {
        succeed(of().gc());
        of().loseInterface();
      },
    },
    {
      ...common,
      name: `${scenario.name} STATUS`,
      prepare: nothing,
      call: (through) => of().status(through),
      tidy: () => void succeed(of().status()),
    },
  ];
}

/** Without what a bridge has by chance when it is made again, and without routes, which come and go with its carrier. */
function withoutChance(state: WholeState): unknown {
  const { network: _, routes: __, ...rest } = state;
  const text = JSON.stringify(rest).replaceAll(/"ifindex":\d+/g, '"ifindex":0');
  return JSON.parse(text.replaceAll(/"address":"[0-9a-f:]{17}"/g, '"address":""'));
}

/** An error as the specification has it, in words that name what the kernel has said. */
export function judgePlugin({ status, stdout, stderr }: Outcome, mishap: string): void {
  if (status !== 1) throw new Error(`ended with status ${status}: ${stdout}${stderr}`);
  const { code, msg, details = "" }: Json = JSON.parse(stdout);
  const text = `${msg}; ${details}`;
  if (!(code > 0) || typeof msg !== "string" || FAULT.test(text)) throw new Error(`no clear error: ${stdout}`);
  if (mishap !== "short" && !text.includes(mishap)) throw new Error(`the error does not tell of ${mishap}: ${stdout}`);
}
