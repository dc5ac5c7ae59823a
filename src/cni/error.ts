// The error of the CNI specification (section 5, "Error"), and how it is printed.

import { printableLine } from "../sys/printable.ts";

/** Codes of the specification's table; 8 and 999 are those of its reference implementation. */
export const CNI_CODE = {
  INCOMPATIBLE_VERSION: 1,
  UNSUPPORTED_FIELD: 2,
  UNKNOWN_CONTAINER: 3,
  INVALID_ENVIRONMENT: 4,
  IO_FAILURE: 5,
  DECODING_FAILURE: 6,
  INVALID_CONFIG: 7,
  INVALID_NETNS: 8,
  TRY_AGAIN_LATER: 11,
  NOT_AVAILABLE: 50,
  LIMITED_CONNECTIVITY: 51,
  INTERNAL: 999,
} as const;

/** An error that already knows what the runtime shall be told. */
export class CniError extends Error {
  override readonly name: string = "CniError";
  /** One of CNI_CODE, or a plugin's own from 100 on. */
  readonly code: number;
  /** What goes beyond the short message. */
  readonly details: string | undefined;

  constructor(code: number, message: string, details?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  /** The error that another one comes to: `throw CniError.because(error, 8, "…")`. The cause is told in the details. */
  static because(cause: unknown, code: number, message: string, details?: string): CniError {
    return new CniError(code, message, details, cause);
  }
}

/**
 * The error as a runtime reads it from standard output, in the protocol version in use. Runtimes print both texts as they
 * are: each is one line, without anything that a terminal would obey.
 */
export function formatError({ code, message, details = "" }: CniError, cniVersion: string): string {
  const msg = printableLine(message);
  const json = details === "" ? { cniVersion, code, msg } : { cniVersion, code, msg, details: printableLine(details) };
  return `${JSON.stringify(json, undefined, 4)}\n`;
}
