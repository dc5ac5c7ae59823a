// Network configuration lists in files (libcni/conf.go): `*.conflist`, the older `*.conf` and `*.json` with one plugin, and the
// plugins of a list that lie in files beside it.

import { CONFIG_LIMIT } from "../cni/config.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { engine } from "../sys/engine.ts";
import { SyscallError } from "../sys/error.ts";
import { readDirectoryIfAny, readFile, stat } from "../sys/file.ts";
import { type NetworkList, parseList, parseListed, parseObject } from "./list.ts";

/**
 * Reads a file, which holds a list or one plugin's configuration. Throws CniError 5 where it can't be read, 7 where there is no
 * plugin at all, and else as parseList.
 */
export function loadFile(path: string): NetworkList {
  const list = parseEither(readConfiguration(path), path);
  const beside = list.loadOnlyInlinedPlugins ? [] : pluginsBeside(path, list.name);
  const plugins = [...list.plugins, ...beside];
  if (plugins.length > 0) return { ...list, plugins };
  const where = `${directoryOf(path)}/${list.name}/*.conf`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, `${path} has no plugins: neither "plugins" nor files ${where}`);
}

/**
 * The network of this name in a directory: the first list by the files' names, or else the first single configuration. A file
 * that can't be taken is told to `log` and passed over. Throws CniError 7 where no file has the network.
 */
export function loadNamed(name: string, directory: string, log: (line: string) => void): NetworkList {
  const names = filesIn(directory);
  for (const ending of [/\.conflist$/, /\.(conf|json)$/]) {
    for (const file of names.filter((one) => ending.test(one))) {
      try {
        const list = parseEither(readConfiguration(`${directory}/${file}`), `${directory}/${file}`);
        if (list.name === name) return loadFile(`${directory}/${file}`);
      } catch (error) {
        if (!(error instanceof CniError)) throw error;
        log(`passed over: ${error.message}`);
      }
    }
  }
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `no file in ${directory} has a network of the name ${JSON.stringify(name)}`,
  );
}

/** One plugin's configuration becomes a list of that plugin (libcni's ConfListFromConf). */
function parseEither(bytes: Uint8Array, path: string): NetworkList {
  if (path.endsWith(".conflist")) return parseList(bytes, path);
  const json = parseObject(bytes, path);
  if (Object.hasOwn(json, "plugins")) return parseList(bytes, path);
  const { name = "", cniVersion = "" } = json;
  const list = parseList(engine.encode(JSON.stringify({ name, cniVersion, plugins: [json] })), path);
  return { ...list, loadOnlyInlinedPlugins: true };
}

/** Plugins in a directory that is called as the network, by the names of their files. */
function pluginsBeside(path: string, name: string): NetworkList["plugins"] {
  const directory = `${directoryOf(path)}/${name}`;
  const files = filesIn(directory).filter((file) => file.endsWith(".conf"));
  return files.map((file) => parseListed(readConfiguration(`${directory}/${file}`), `${directory}/${file}`));
}

/** Files, and links to files, in alphabetical order; none where there is no such directory. A FIFO would make us wait. */
function filesIn(directory: string): string[] {
  try {
    return readDirectoryIfAny(directory)
      .filter((name) => isFile(`${directory}/${name}`))
      .sort();
  } catch (error) {
    throw CniError.because(error, CNI_CODE.IO_FAILURE, `cannot list ${directory}`);
  }
}

function isFile(path: string): boolean {
  try {
    return stat(path).isRegular;
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

/** The bytes of a configuration. Throws CniError 5. */
export function readConfiguration(path: string): Uint8Array {
  try {
    return readFile(path, CONFIG_LIMIT);
  } catch (error) {
    throw CniError.because(error, CNI_CODE.IO_FAILURE, `cannot read the network configuration ${path}`);
  }
}

function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}
