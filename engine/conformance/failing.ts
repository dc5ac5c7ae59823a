// Throws from a known line, for the test of stack traces.

interface Mask {
  readonly name: string;
}

export function fall(mask: Mask): never {
  const cause = new RangeError(`"${mask.name}"\n\\ \u0001 é 🎭`); // CAUSE
  throw new TypeError("fell", { cause }); // FALL
}
