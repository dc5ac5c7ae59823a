/** Part of it could not be done; which part, has been told on standard error. Ends the process with status 1. */
export class IncompleteError extends Error {
  override readonly name: string = "IncompleteError";
}
