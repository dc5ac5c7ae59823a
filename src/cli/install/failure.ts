// Why an installation could not be done, and what to do.

import { hasCode, SyscallError } from "../../sys/error.ts";

/** Nothing of what was there has been harmed. */
export class InstallError extends Error {
  override readonly name: string = "InstallError";
}

const OTHER_DIRECTORY =
  "choose another directory with --bin-dir, and name that one in the runtime's configuration as the directory of its CNI plugins";

/** Does it; what the kernel refuses is told with what helps. */
export function explainingRefusals<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new InstallError(adviceOn(error, directory), { cause: error });
  }
}

function adviceOn(error: SyscallError, directory: string): string {
  if (hasCode(error, "EROFS")) return `${directory} can't be written to: ${OTHER_DIRECTORY}`;
  if (hasCode(error, "EACCES", "EPERM")) return `${directory} can't be written to: run this as root`;
  if (hasCode(error, "ENOSPC", "EDQUOT")) return `there is no room for the executable in ${directory}: make some`;
  if (hasCode(error, "ENOTDIR", "EEXIST", "ELOOP")) return `${directory} is no directory, or has a file in the way`;
  return `${directory}: the command has failed`;
}
