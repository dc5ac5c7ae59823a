// The skeleton of the plugins that change what the plugins before them in the list have made: which verbs need the result of
// those plugins, and what each verb gets. A plugin says what it does to the result, or to what the result tells of.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { type Invocation, type OwnPlugin, type Plugin, type PluginFacts, requirePrevResult } from "../cni/plugin.ts";
import type { Result } from "../cni/result.ts";
import { type Undo, undoOnFailure } from "../cni/undo.ts";
import { closingLast, type Keep } from "../owned/commit.ts";
import { type TryOut, tryOutOnce } from "../owned/tried-out.ts";

/** A plugin that is chained. `C` is what it has read of its configuration. A verb that isn't there succeeds at once. */
export interface ChainedPlugin<C> extends Omit<PluginFacts, "kind" | "ipam">, Pick<Plugin, "oldestVersion"> {
  /** Reads the plugin's keys, for ADD, CHECK and STATUS. Throws CniError. */
  readonly read: (invocation: Invocation) => C;
  /** ADD: notes in `undo` how to take back what it does. Returns the result as it is then; undefined: as it was. */
  readonly change: (changing: Changing<C>) => Result | undefined;
  /** CHECK: throws CheckError where something that ADD did is gone or altered. */
  readonly check?: (checking: Chained<C>) => void;
  /**
   * DEL: takes away what ADD did, whatever the configuration asks for by now. The invocation need not have a prevResult, nor a
   * namespace. That something is gone already is no error, because the runtime would not call the plugins before this one.
   */
  readonly end?: (invocation: Invocation, keep: Keep) => void;
  /** GC: takes away what belongs to attachments that aren't valid any more. */
  readonly collect?: (invocation: Invocation) => void;
  /** STATUS: what stands in the way of an ADD on this node; undefined where nothing does. */
  readonly unavailable?: (config: C, invocation: Invocation, tryOut: TryOut) => string | undefined;
}

/** What CHECK gets: `result` is that of the whole list. */
export interface Chained<C> {
  readonly invocation: Invocation;
  readonly config: C;
  /** What the plugins before have made; for CHECK, what all plugins of the list have. */
  readonly result: Result;
}

/** An ADD at work. */
export interface Changing<C> extends Chained<C> {
  readonly undo: Undo;
}

/** The plugin with its verbs. */
export function chainedPlugin<C>(plugin: ChainedPlugin<C>): OwnPlugin {
  const { name, keys, oldestVersion, end, collect } = plugin;
  return {
    name,
    kind: "chained",
    keys,
    ...(oldestVersion === undefined ? {} : { oldestVersion }),
    unavailable: (invocation, tryOut) => unavailable(plugin, invocation, tryOut),
    judge: (invocation) => void plugin.read(invocation),
    add: (invocation) => add(plugin, invocation),
    check: (invocation) => check(plugin, invocation),
    del: (invocation) => closingLast((keep) => end?.(invocation, keep)),
    gc: (invocation) => collect?.(invocation),
    status: (invocation) => status(plugin, invocation),
  };
}

/** A failure at whatever step leaves nothing of what the plugin did. */
function add<C>(plugin: ChainedPlugin<C>, invocation: Invocation): Result {
  const config = plugin.read(invocation);
  const result = requirePrevResult(invocation);
  return undoOnFailure(invocation.log, (undo) => plugin.change({ invocation, config, result, undo }) ?? result);
}

function check<C>(plugin: ChainedPlugin<C>, invocation: Invocation): void {
  const config = plugin.read(invocation);
  plugin.check?.({ invocation, config, result: requirePrevResult(invocation) });
}

function status<C>(plugin: ChainedPlugin<C>, invocation: Invocation): void {
  const reason = unavailable(plugin, invocation, tryOutOnce);
  if (reason !== undefined) throw new CniError(CNI_CODE.NOT_AVAILABLE, reason);
}

function unavailable<C>(plugin: ChainedPlugin<C>, invocation: Invocation, tryOut: TryOut): string | undefined {
  const reason = plugin.unavailable?.(plugin.read(invocation), invocation, tryOut);
  return reason === undefined ? undefined : `${plugin.name}: this node can't do it: ${reason}`;
}
