// The licence notices that `bauta licenses` prints. engine/licences.mjs writes them in this file's place when the
// executable is built, from what it really carries; under Node nothing is bundled.

export interface Notice {
  readonly name: string;
  /** Empty where it is the system's. */
  readonly version: string;
  readonly text: string;
}

export const notices: readonly Notice[] = [];
