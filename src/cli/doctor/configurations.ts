// The files in /etc/cni/net.d: each is read as runtimes and plugins read it.

import type { ConfiguredFile } from "../../lists/configured.ts";
import type { FileFault } from "../../lists/file-faults.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";
import { formatList } from "./words.ts";

export const configurations: Check<Node> = {
  name: "configurations",
  look(node) {
    const directory = node.directory();
    if (directory === undefined) return [none(`there is no directory ${node.confDir}`, node)];
    const left = backups(node, directory.passedOver);
    if (directory.names.length === 0) return [none(`${node.confDir} has no network configuration`, node), ...left];
    return [...node.files().flatMap(findingsOf), ...sameNames(node), ...left];
  },
};

function findingsOf({ closed, faults }: ConfiguredFile): Finding[] {
  if (closed === undefined) return faults.map(findingOf);
  return [{ severity: "unknown", text: `could not look: ${closed}`, remedy: "run it as root" }];
}

/** A runtime says that the network plugin is not initialized. */
function none(text: string, { confDir }: Node): Finding {
  const remedy = `put a list, a *.conflist, into ${confDir}; --conf-dir if the runtime has another directory`;
  return { severity: "problem", text, remedy };
}

function findingOf({ path, position, text, details, isTaken }: FileFault): Finding {
  return {
    severity: isTaken ? "warning" : "problem",
    text,
    remedy: details ?? "mend the file; `bauta schema` prints what may stand there",
    file: path,
    position,
  };
}

/** Runtimes know a network by its name, and take the first that has it. */
function sameNames(node: Node): Finding[] {
  const files = new Map<string, string[]>();
  for (const { name, file } of node.networks()) files.set(name, [...(files.get(name) ?? []), file]);
  return [...files].flatMap(([name, [first = "", ...others]]): Finding[] => {
    if (others.length === 0) return [];
    const text = `the network ${name} stands in ${formatList([first, ...others])}: runtimes take the first`;
    return [{ severity: "warning", text, remedy: "remove what is not meant, or give the networks names of their own" }];
  });
}

function backups({ confDir }: Node, names: readonly string[]): Finding[] {
  if (names.length === 0) return [];
  const text = `no runtime reads ${formatList(names)} in ${confDir}`;
  return [
    { severity: "note", text, remedy: "runtimes read names that end in .conflist, .conf or .json: rename, or remove" },
  ];
}
