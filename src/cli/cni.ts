// `bauta cni`: runs a network configuration list as a container runtime does.

import type { NetworkList } from "../lists/list.ts";
import { loadFile, loadNamed } from "../lists/load.ts";
import { checkNames } from "../lists/prepare.ts";
import { checkList, delList, type Runtime, statusOfList } from "../lists/run.ts";
import { DEFAULT_CACHE } from "../owned/runtime-files.ts";
import { flag, suggestion, text, UsageError } from "./arguments.ts";
import { addOrUndo } from "./cni/add.ts";
import { containerOf, knownContainerOf, type Said } from "./cni/container.ts";
import { collect } from "./cni/gc.ts";
import type { Output } from "./io.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const ABOUT = `
Calls the plugins of a list one after the other, as libcni does for containerd,
CRI-O, podman and nerdctl. Plugins of bauta's run in this process, others are
executed. The result of an ADD is kept where libcni keeps it, so that a runtime
or cnitool can take the container over, and the other way round.

CONFLIST is the path of a *.conflist, *.conf or *.json file, or the name of a
network in --conf-dir. ACTION is one of

  add     attaches a container and prints the result. Where a plugin fails, DEL
          is run, as runtimes do; --keep-failed leaves all as it is then
  check   tells whether the attachment is as ADD left it
  del     detaches a container; what is not there any more is no error
  gc      removes what is left of attachments that are not valid any more: by
          DEL those in the cache, and else by the plugins' GC (since 1.1.0)
  status  tells whether an add could be served (since 1.1.0)

add, check and del are about the container --container-id in --netns; one of
them is enough, but for add, which needs --netns. The id is made from the path
of the namespace where none is given, as cnitool makes it. del and check find
what is not given in the cache.

gc takes for valid the attachments of this network in libcni's caches whose
network namespace is there or not known, and the one that --netns or
--container-id names, if its namespace is there; or else just those of --valid;
with --none-valid none. A runtime knows better: where one is at work, leave gc
to it, or give gc --valid.

Defaults come from the variables that cnitool reads: CNI_PATH, NETCONFPATH,
CNI_IFNAME, CNI_ARGS and CAP_ARGS.

An error is told with the code that the CNI specification has for it.
`;

export const cni: Verb = verb({
  name: "cni",
  summary: "Runs a configuration list as a container runtime does",
  about: ABOUT,
  options: {
    netns: text("PATH", "the container's network namespace, or its ip-netns name"),
    ifname: text("NAME", "the interface in the container, eth0 unless given"),
    "container-id": text("ID", "the container's id"),
    args: text("K=V;K=V", "what the plugins get as CNI_ARGS"),
    "cap-args": text("JSON", 'values for capabilities: {"portMappings": [...]}'),
    "keep-failed": flag("add: keep what a failed ADD has made"),
    valid: text("ID/NAME,...", "gc: the attachments that are valid"),
    "none-valid": flag("gc: no attachment is valid, as with cnitool"),
    "cni-path": text("DIRS", "where the plugins are, /opt/cni/bin unless given"),
    "conf-dir": text("DIR", "where lists are, /etc/cni/net.d unless given"),
    "cache-dir": text("DIR", `libcni's cache, ${DEFAULT_CACHE} unless given`),
    ...QUIET,
  },
  operands: { name: "ACTION CONFLIST", least: 1, most: 2, words: () => [...ACTIONS.keys()] },
  run(values, io, [action = "", source]) {
    const act = ACTIONS.get(action);
    if (act === undefined) {
      const names = [...ACTIONS.keys()];
      const hint = suggestion(action, names) || `: it is ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
      throw new UsageError(`unknown action ${JSON.stringify(action)}${hint}`);
    }
    if (source === undefined) throw new UsageError("CONFLIST is missing: a file, or the name of a network");
    const variable = (name: string): string | undefined => io.getenv(name) || undefined;
    const said: Said = {
      netns: values.netns,
      containerId: values["container-id"],
      ifname: values.ifname ?? variable("CNI_IFNAME") ?? "eth0",
      args: values.args ?? variable("CNI_ARGS"),
      capabilityArgs: values["cap-args"] ?? variable("CAP_ARGS"),
    };
    const runtime = {
      path: values["cni-path"] ?? variable("CNI_PATH") ?? "/opt/cni/bin",
      cache: values["cache-dir"] ?? DEFAULT_CACHE,
      log: io.log,
      begin: io.doing,
    };
    const directory = values["conf-dir"] ?? variable("NETCONFPATH") ?? "/etc/cni/net.d";
    const list = load(source, directory, io);
    const valid = { valid: values.valid, none: values["none-valid"] };
    act({ list, said, runtime, isKept: values["keep-failed"], valid, io });
  },
});

/** What an action is about. */
interface Action {
  readonly list: NetworkList;
  readonly said: Said;
  readonly runtime: Runtime;
  /** --keep-failed */
  readonly isKept: boolean;
  readonly valid: { readonly valid: string | undefined; readonly none: boolean };
  readonly io: Output;
}

const ACTIONS: ReadonlyMap<string, (action: Action) => void> = new Map([
  ["add", ({ list, said, runtime, isKept, io }: Action) => addOrUndo(list, containerOf(said), runtime, isKept, io)],
  ["check", check],
  ["del", del],
  ["gc", ({ list, said, runtime, valid, io }: Action) => collect(list, said, runtime, valid, io)],
  ["status", status],
]);

function check({ list, said, runtime, io }: Action): void {
  const container = knownContainerOf(said, list, runtime);
  checkNames(container);
  if (container.netns === "") throw new UsageError("--netns is missing: the cache does not know the network namespace");
  if (!checkList(list, container, runtime)) io.remark("bauta: nothing was checked: the list says disableCheck");
}

function del({ list, said, runtime }: Action): void {
  const container = knownContainerOf(said, list, runtime);
  checkNames(container);
  delList(list, container, runtime);
}

function status({ list, runtime, io }: Action): void {
  if (statusOfList(list, runtime)) return;
  io.remark(`bauta: no plugin was asked: STATUS exists since 1.1.0, and the list is of ${list.cniVersion}`);
}

/** A path has a slash or the ending of a configuration; everything else is a name. */
function load(source: string, directory: string, io: Output): NetworkList {
  if (/\/|\.(conflist|conf|json)$/.test(source)) return loadFile(source);
  return loadNamed(source, directory, (line) => io.log(`bauta: warning: ${line}`));
}
