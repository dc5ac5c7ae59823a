// The executables of the plugins that the configurations name.

import { CniError } from "../../cni/error.ts";
import { findPlugin } from "../../cni/find-plugin.ts";
import { isJsonObject } from "../../cni/json.ts";
import { pluginNamed } from "../../lists/call.ts";
import { identify, isSame, stat } from "../../sys/file.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";
import { formatList } from "./words.ts";

/** The file that this process runs. */
const OWN = "/proc/self/exe";

export const executables: Check<Node> = {
  name: "executables",
  look(node) {
    const needed = neededBy(node);
    const found = new Map<string, string>();
    const findings = [...needed].flatMap(([type, networks]): Finding[] => {
      const problem = find(type, node.cniPath, found);
      if (problem === undefined) return [];
      const text = `${problem}, and ${formatList(networks)} ${networks.length === 1 ? "needs" : "need"} it`;
      return [{ severity: "problem", text, remedy: remedyFor(type, node.cniPath) }];
    });
    return [...findings, ...mixed(found)];
  },
};

/** The names of the plugins, also of IPAM plugins, with the networks that name them. */
function neededBy(node: Node): Map<string, string[]> {
  const needed = new Map<string, string[]>();
  for (const { name, list } of node.networks()) {
    const types = list.plugins.flatMap(({ type, config: { ipam } }) => {
      const allocator = isJsonObject(ipam) ? ipam["type"] : undefined;
      return typeof allocator === "string" && allocator !== "" ? [type, allocator] : [type];
    });
    for (const type of new Set(types)) needed.set(type, [...(needed.get(type) ?? []), name]);
  }
  return needed;
}

/** What is wrong with it; else undefined, and its file is in `found`. */
function find(type: string, cniPath: string, found: Map<string, string>): string | undefined {
  try {
    const file = findPlugin(type, cniPath);
    found.set(type, file);
    const { mode, isRegular } = stat(file);
    return isRegular && (mode & 0o111) !== 0 ? undefined : `${file} can't be executed`;
  } catch (error) {
    if (error instanceof CniError) return `the plugin ${type} is not in ${cniPath}`;
    throw error;
  }
}

function remedyFor(type: string, cniPath: string): string {
  const elsewhere = "--bin-dir if the runtime has another directory";
  if (pluginNamed(type)?.name === type)
    return `\`bauta install --bin-dir ${cniPath.split(":")[0]}\` puts it there; ${elsewhere}`;
  return `install the plugin, which is none of bauta's; ${elsewhere}`;
}

/** Either suite works on its own, and on the other's state; what only one of them knows is lost where both are in use. */
function mixed(found: ReadonlyMap<string, string>): Finding[] {
  const own = identify(OWN);
  const ours: string[] = [];
  const others: string[] = [];
  for (const [type, file] of found) {
    if (pluginNamed(type)?.name === type) (isSame(identify(file), own) ? ours : others).push(type);
  }
  if (ours.length === 0 || others.length === 0) return [];
  const text = `${formatList(ours)} ${ours.length === 1 ? "is" : "are"} this bauta, and ${formatList(others)} ${others.length === 1 ? "is" : "are"} not`;
  return [
    {
      severity: "warning",
      text,
      remedy: "`bauta install` gives all plugins to this bauta; `bauta uninstall` gives all back",
    },
  ];
}
