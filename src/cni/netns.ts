// The container's network namespace, by the path in CNI_NETNS.

import { hasCode } from "../sys/error.ts";
import { NotNetnsError, openNetns } from "../sys/netns.ts";
import { CNI_CODE, CniError } from "./error.ts";

/**
 * Opens the namespace for ADD or CHECK; the caller closes the descriptor. Throws CniError 3 where nothing is under the
 * path (the container is gone: the runtime has nothing to clean up) and 8 where something else than a namespace is.
 */
export function openContainerNetns(path: string): number {
  try {
    return openNetns(path);
  } catch (error) {
    const shown = JSON.stringify(path);
    if (error instanceof NotNetnsError) {
      throw CniError.because(error, CNI_CODE.INVALID_NETNS, `CNI_NETNS ${shown} is not a network namespace`);
    }
    if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
    throw CniError.because(
      error,
      CNI_CODE.UNKNOWN_CONTAINER,
      `CNI_NETNS ${shown} does not exist: is the container gone?`,
    );
  }
}
