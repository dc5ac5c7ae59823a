// The container's network namespace, by the path in CNI_NETNS.

import { hasCode } from "../sys/error.ts";
import { NotNetnsError, openNetns } from "../sys/netns.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { excerpt } from "./json.ts";

/**
 * Opens the namespace for ADD or CHECK; the caller closes the descriptor. Throws CniError 3 where nothing is under the
 * path (the container is gone: the runtime has nothing to clean up), 8 where something else than a namespace is, and 5 where
 * that can't be found out.
 */
export function openContainerNetns(path: string): number {
  try {
    return openNetns(path);
  } catch (error) {
    const shown = excerpt(path);
    if (error instanceof NotNetnsError) {
      throw CniError.because(error, CNI_CODE.INVALID_NETNS, `CNI_NETNS ${shown} is not a network namespace`);
    }
    if (hasCode(error, "ELOOP", "ENAMETOOLONG")) {
      throw CniError.because(error, CNI_CODE.INVALID_NETNS, `CNI_NETNS ${shown} leads nowhere`);
    }
    if (!hasCode(error, "ENOENT", "ENOTDIR")) {
      throw CniError.because(error, CNI_CODE.IO_FAILURE, `CNI_NETNS ${shown} cannot be opened`);
    }
    throw CniError.because(
      error,
      CNI_CODE.UNKNOWN_CONTAINER,
      `CNI_NETNS ${shown} does not exist: is the container gone?`,
    );
  }
}
