// The container's network namespace, by the path in CNI_NETNS.

import { hasCode } from "../sys/error.ts";
import { NotNetnsError, openNetns } from "../sys/netns.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { excerpt } from "./json.ts";

/**
 * Opens the namespace for ADD or CHECK; the caller closes the descriptor. Throws CniError 3 where nothing is under the
 * path (the container is gone: the runtime has nothing to clean up), 8 where something else than a namespace is, and 5 where
 * that can't be found out. `what` is where the path comes from, for errors.
 */
export function openContainerNetns(path: string, what = "CNI_NETNS"): number {
  try {
    return openNetns(path);
  } catch (error) {
    const shown = excerpt(path);
    if (error instanceof NotNetnsError) {
      throw CniError.because(error, CNI_CODE.INVALID_NETNS, `${what} ${shown} is not a network namespace`);
    }
    if (hasCode(error, "ELOOP", "ENAMETOOLONG")) {
      throw CniError.because(error, CNI_CODE.INVALID_NETNS, `${what} ${shown} leads nowhere`);
    }
    if (!hasCode(error, "ENOENT", "ENOTDIR")) {
      throw CniError.because(error, CNI_CODE.IO_FAILURE, `${what} ${shown} cannot be opened`);
    }
    throw CniError.because(
      error,
      CNI_CODE.UNKNOWN_CONTAINER,
      `${what} ${shown} does not exist: is the container gone?`,
    );
  }
}
