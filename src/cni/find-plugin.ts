// Where the executable of a plugin is: along CNI_PATH (CNI specification, section 3), by the plugin's type.

import { hasCode } from "../sys/error.ts";
import { type Identity, identify, isSame } from "../sys/file.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { excerpt } from "./json.ts";

/**
 * The executable of a plugin: the first directory of CNI_PATH that has it. Throws CniError 7 for a name that can't be one,
 * and 999, as the reference implementation does, where no directory has it.
 */
export function findPlugin(type: string, path: string): string {
  return locate(type, path).file;
}

/** Whether that is the executable that is running now, by whatever name: it can then be called in-process. */
export function isOwnPlugin(type: string, path: string): boolean {
  return isSame(locate(type, path).identity, identify("/proc/self/exe"));
}

function locate(type: string, path: string): { readonly file: string; readonly identity: Identity } {
  if (type === "" || type.includes("/") || type.includes("\0") || type === "." || type === "..") {
    throw new CniError(CNI_CODE.INVALID_CONFIG, `${excerpt(type)} is not the name of a plugin`);
  }
  // An empty entry would be the working directory, where nobody looks for plugins on purpose.
  const directories = path.split(":").filter((directory) => directory !== "");
  for (const directory of directories) {
    const file = `${directory}/${type}`;
    const identity = identifyFile(file);
    if (identity !== undefined) return { file, identity };
  }
  throw new CniError(
    CNI_CODE.INTERNAL,
    `failed to find plugin ${excerpt(type)} in path [${directories.join(" ")}]`,
    "the directories are those of CNI_PATH",
  );
}

/** Undefined where nothing is there but perhaps a directory. */
function identifyFile(path: string): Identity | undefined {
  try {
    const identity = identify(path);
    return identity.isDirectory ? undefined : identity;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG")) return undefined;
    throw error;
  }
}
