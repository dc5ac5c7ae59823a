// What a plugin is, and what it is told: the dispatcher's side of the contract is in dispatch.ts.

import type { NetworkConfig } from "./config.ts";
import type { Command } from "./environment.ts";
import { CNI_CODE, CniError } from "./error.ts";
import type { Result } from "./result.ts";
import type { Schema } from "./schema.ts";
import type { Version } from "./versions.ts";

/** One call of a plugin, checked: environment, configuration and whatever they hold. */
export interface Invocation {
  readonly command: Command;
  /** With `ifname` and the network's name the identity of an attachment; "" for GC and STATUS, as the next two. */
  readonly containerId: string;
  /** Path of the container's network namespace. For DEL it may be "" or lead nowhere. */
  readonly netns: string;
  readonly ifname: string;
  /** CNI_ARGS as it came; see parseArgs. */
  readonly args: string;
  /** CNI_PATH; see findPlugin. */
  readonly path: string;
  readonly config: NetworkConfig;
  /** `prevResult` of the configuration. A DEL has none where it could not be read. */
  readonly prevResult: Result | undefined;
  /** Writes a line for people to standard error. */
  readonly log: (line: string) => void;
}

/**
 * What a plugin is for: it makes an interface, it changes what the plugins before it in the list have made, or it gives out
 * addresses to a plugin that makes an interface.
 */
export type PluginKind = "interface" | "chained" | "ipam";

/** What there is to know of a plugin without calling it. */
export interface PluginFacts {
  /** The `type` of its configuration and the name of its executable. */
  readonly name: string;
  readonly kind: PluginKind;
  /** The keys of its configuration, besides those that every plugin has; of an IPAM plugin, of the section "ipam". */
  readonly keys: readonly Schema<unknown>[];
  /** Whether its configuration must, or may, name an IPAM plugin; absent where it never asks one. */
  readonly ipam?: "required" | "optional";
}

/** A plugin of this suite: its facts and its verbs. */
export interface OwnPlugin extends PluginFacts, Plugin {
  /** Programs that the executable is when its first argument names one of them, instead of a plugin: `dhcp daemon`. */
  readonly subcommands?: Readonly<Record<string, Subcommand>>;
}

/** Such a program: gets the arguments after its name, and how to write a line to standard error; returns the exit status. */
export type Subcommand = (words: readonly string[], log: (line: string) => void) => number;

/** The first argument of a program that executes itself; see Plugin.errand. */
export const ERRAND = "--errand";

/**
 * A plugin is its verbs. Each throws whatever stopped it: dispatch.ts alone turns errors into codes. A verb that isn't
 * there succeeds at once.
 */
export interface Plugin {
  readonly name: string;
  /** The line that tells who this is when the plugin is called without CNI_COMMAND. */
  readonly about?: string;
  /** The oldest version of the specification that it speaks; absent: the very first. */
  readonly oldestVersion?: Version;
  /** Makes the attachment and returns what it made. When it throws it must have left nothing behind. */
  readonly add?: (invocation: Invocation) => Result;
  /** Throws where the attachment isn't as ADD left it. */
  readonly check?: (invocation: Invocation) => void;
  /** Removes the attachment, or what there is of it: that something is gone already is no error. */
  readonly del?: (invocation: Invocation) => void;
  /** Removes what belongs to attachments that `config.validAttachments` doesn't name. */
  readonly gc?: (invocation: Invocation) => void;
  /** Why this node cannot do what the configuration asks for, IPAM aside; undefined where it can. `tryOut` is of Feature.unavailable. */
  readonly unavailable?: (
    invocation: Invocation,
    tryOut: (name: string, attempt: () => void) => void,
  ) => string | undefined;
  /** Reads the whole configuration as ADD does, and does nothing: an IPAM plugin its section, every other all but that. Throws CniError. */
  readonly judge?: (invocation: Invocation) => void;
  /** Throws where ADD could not be served now. */
  readonly status?: (invocation: Invocation) => void;
  /** For a plugin that executes itself, with ERRAND and an argument, to do something in another security context: what is done there. */
  readonly errand?: (argument: string) => void;
}

/** The result of the ADD that CHECK looks after, or that a chained plugin builds on; CniError 7 where there is none. */
export function requirePrevResult(invocation: Invocation): Result {
  if (invocation.prevResult !== undefined) return invocation.prevResult;
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `prevResult is missing: ${invocation.command} needs the result of the plugin before`,
  );
}
