// The environment contract (CNI specification, section 2, "Parameters"): which variable, for which operation, how checked.

import { engine } from "../sys/engine.ts";
import { IFNAMSIZ } from "../wire/ifname.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { excerpt } from "./json.ts";

export type Command = "ADD" | "CHECK" | "DEL" | "GC" | "STATUS" | "VERSION";

/** What the runtime says through variables; the empty string is a variable that isn't set or doesn't apply. */
export interface Environment {
  readonly command: Command;
  /** CNI_CONTAINERID: for ADD, CHECK and DEL, and checked. */
  readonly containerId: string;
  /** CNI_NETNS, a path; may be empty or lead nowhere for DEL. */
  readonly netns: string;
  /** CNI_IFNAME: for ADD, CHECK and DEL, and checked. */
  readonly ifname: string;
  /** CNI_ARGS as it came; see parseArgs. */
  readonly args: string;
  /** CNI_PATH: directories that plugins are looked for in, between colons. */
  readonly path: string;
  /** CNI_NETNS_OVERRIDE: whether CNI_NETNS may be the namespace that the plugin itself runs in. */
  readonly netnsOverride: boolean;
}

/** What a runtime says of one call. */
export type CallVariables = Omit<Environment, "netnsOverride">;

interface Variable {
  readonly name: string;
  /** Where its value goes. */
  readonly key: "containerId" | "netns" | "ifname" | "path";
  readonly requiredBy: readonly Command[];
  /** What is wrong with the value, in words that follow "is"; undefined where nothing is. */
  readonly problem?: (value: string) => string | undefined;
}

// CNI_PATH is optional in the specification but for GC; the reference implementation asks for it, and so do its users.
const VARIABLES: readonly Variable[] = [
  { name: "CNI_CONTAINERID", key: "containerId", requiredBy: ["ADD", "CHECK", "DEL"], problem: nameProblem },
  { name: "CNI_NETNS", key: "netns", requiredBy: ["ADD", "CHECK"] },
  { name: "CNI_IFNAME", key: "ifname", requiredBy: ["ADD", "CHECK", "DEL"], problem: interfaceNameProblem },
  { name: "CNI_PATH", key: "path", requiredBy: ["ADD", "CHECK", "DEL", "GC"] },
];

/**
 * Reads and checks the variables of one call; undefined when CNI_COMMAND isn't set. Throws CniError 4 that names every
 * variable that is missing, or else every one that is invalid.
 */
export function readEnvironment(getenv: (name: string) => string | undefined): Environment | undefined {
  const value = (name: string): string => getenv(name) ?? "";
  const command = value("CNI_COMMAND");
  if (command === "") return undefined;
  if (!isCommand(command)) {
    throw new CniError(
      CNI_CODE.INVALID_ENVIRONMENT,
      `unknown CNI_COMMAND: ${excerpt(command)}`,
      "it must be ADD, CHECK, DEL, GC, STATUS or VERSION",
    );
  }
  const isAttachment = command === "ADD" || command === "CHECK" || command === "DEL";
  const environment: Environment = {
    command,
    containerId: isAttachment ? value("CNI_CONTAINERID") : "",
    netns: isAttachment ? value("CNI_NETNS") : "",
    ifname: isAttachment ? value("CNI_IFNAME") : "",
    args: value("CNI_ARGS"),
    path: value("CNI_PATH"),
    netnsOverride: ["1", "true"].includes(value("CNI_NETNS_OVERRIDE").toLowerCase()),
  };
  checkVariables(environment);
  return environment;
}

/**
 * The variables of a call, `NAME` and value, as the reference implementation (libcni) sets them: each of them, those that
 * don't apply to the empty text.
 */
export function formatEnvironment(call: CallVariables): ReadonlyMap<string, string> {
  const parameters = VARIABLES.map(({ name, key }): [string, string] => [name, call[key]]);
  return new Map([["CNI_COMMAND", call.command], ["CNI_ARGS", call.args], ...parameters]);
}

function isCommand(text: string): text is Command {
  return ["ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"].includes(text);
}

function checkVariables(environment: Environment): void {
  const { command } = environment;
  const missing: string[] = [];
  const invalid: string[] = [];
  for (const { name, key, requiredBy, problem } of VARIABLES) {
    if (!requiredBy.includes(command)) continue;
    const value = environment[key];
    const what = value === "" ? undefined : problem?.(value);
    if (value === "") missing.push(name);
    else if (what !== undefined) invalid.push(`${name} ${excerpt(value)} is ${what}`);
  }
  if (missing.length > 0) {
    throw new CniError(
      CNI_CODE.INVALID_ENVIRONMENT,
      `${command} needs environment variables that are not set: ${missing.join(", ")}`,
    );
  }
  if (invalid.length > 0) throw new CniError(CNI_CODE.INVALID_ENVIRONMENT, invalid.join("; "));
}

/** libcni keeps results in files named after these, and file systems end at 255 bytes a name. */
const NAME_LIMIT = 255;

/**
 * What is wrong with the name of a container or a network (section 1: a letter or digit, then letters, digits, `_`, `.`
 * and `-`), in words that follow "is"; undefined where nothing is.
 */
export function nameProblem(name: string): string | undefined {
  if (name.length > NAME_LIMIT) return `longer than ${NAME_LIMIT} characters`;
  if (isLetterOrDigit(name.charCodeAt(0)) && isPlain(name)) return undefined;
  return 'not a letter or digit followed by letters, digits, "_", "." or "-"';
}

/** Of 0-9, A-Z and a-z. */
function isLetterOrDigit(code: number): boolean {
  const lower = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a);
}

/** Whether there is nothing but letters, digits, `_`, `.` and `-`. A regular expression takes the engine four times as long. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!isLetterOrDigit(code) && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return true;
}

/**
 * What is wrong with an interface name, in words that follow "is"; undefined where nothing is. The kernel refuses most of
 * it (dev_valid_name() in net/core/dev.c). It takes control characters: they are refused here, because terminals obey them
 * and no comment of nft's may hold them. All other names are served everywhere.
 */
export function interfaceNameProblem(name: string): string | undefined {
  if (name === "") return "empty";
  if (name === "." || name === "..") return "a directory";
  if (name.length < IFNAMSIZ && isPlain(name)) return undefined;
  const bytes = engine.encode(name);
  if (bytes.length >= IFNAMSIZ) return `longer than ${IFNAMSIZ - 1} bytes`;
  // The kernel looks at bytes, and its isspace() counts 0xa0. A "%" would be taken for a pattern: eth%d becomes eth0.
  if (/[/:%\s\p{Cc}\p{Cs}\ufffd]/u.test(name) || bytes.includes(0xa0)) {
    return 'not an interface name: "/", ":", "%", control characters and white space cannot be in one';
  }
  return undefined;
}
