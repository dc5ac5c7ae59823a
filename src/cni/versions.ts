// Versions of the CNI specification: which of them bauta speaks, and since when there is which operation.

import { CNI_CODE, CniError } from "./error.ts";
import { excerpt } from "./json.ts";

/** Every released version, the oldest first. */
export const SUPPORTED_VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

export type Version = (typeof SUPPORTED_VERSIONS)[number];

/** The version of this implementation, which VERSION reports. */
export const CURRENT_VERSION: Version = "1.1.0";

/** What a configuration without `cniVersion` speaks. */
export const DEFAULT_VERSION: Version = "0.1.0";

/** The first version that knows an operation, where that isn't the very first. */
const MINIMUM: Readonly<Record<string, Version>> = { CHECK: "0.4.0", GC: "1.1.0", STATUS: "1.1.0" };

/** Whether the text names a version that bauta speaks. */
export function isSupported(version: string): version is Version {
  return SUPPORTED_VERSIONS.some((supported) => supported === version);
}

/** Whether a version is as new as another, or newer. */
export function isAtLeast(version: Version, minimum: Version): boolean {
  return SUPPORTED_VERSIONS.indexOf(version) >= SUPPORTED_VERSIONS.indexOf(minimum);
}

/** The versions from this one on. */
export function versionsSince(oldest: Version): readonly Version[] {
  return SUPPORTED_VERSIONS.filter((version) => isAtLeast(version, oldest));
}

/**
 * The version of a configuration, if the plugin, which speaks `oldest` and later ones, speaks it and it has this operation.
 * Throws CniError 1 otherwise.
 */
export function checkVersion(version: string, command: string, oldest: Version = SUPPORTED_VERSIONS[0]): Version {
  if (!isSupported(version) || !isAtLeast(version, oldest)) {
    const supported = versionsSince(oldest)
      .map((name) => JSON.stringify(name))
      .join(" ");
    throw new CniError(
      CNI_CODE.INCOMPATIBLE_VERSION,
      "incompatible CNI versions",
      `config is ${excerpt(version)}, plugin supports [${supported}]`,
    );
  }
  const minimum = MINIMUM[command];
  if (minimum !== undefined && !isAtLeast(version, minimum)) {
    throw new CniError(
      CNI_CODE.INCOMPATIBLE_VERSION,
      `config version does not allow ${command}`,
      `cniVersion is ${JSON.stringify(version)}, and ${command} exists since ${minimum}`,
    );
  }
  return version;
}

/** What VERSION prints. */
export function formatVersions(oldest: Version = SUPPORTED_VERSIONS[0]): string {
  return `${JSON.stringify({ cniVersion: CURRENT_VERSION, supportedVersions: versionsSince(oldest) })}\n`;
}
