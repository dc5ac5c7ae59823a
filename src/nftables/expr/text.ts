// What the expressions' texts share: registers' contents and names of numbers, as libnftnl prints them.

import { type Data, verdictText } from "../data.ts";
import { NFT_VERDICT } from "../uapi.ts";

/** Register contents as host-order words: `0x0000000a`; a verdict by its name: `goto -> chain`. */
export function dataText(data: Data | undefined): string {
  if (data === undefined) return "?";
  if (!(data instanceof Uint8Array)) {
    const { code, chain } = data;
    if (code === NFT_VERDICT.JUMP) return `jump -> ${chain}`;
    if (code === NFT_VERDICT.GOTO) return `goto -> ${chain}`;
    return verdictText(data);
  }
  const words: string[] = [];
  for (let at = 0; at < data.length; at += 4) {
    const bytes = [3, 2, 1, 0].map((i) => (data[at + i] ?? 0).toString(16).padStart(2, "0"));
    words.push(`0x${bytes.join("")}`);
  }
  return words.join(" ");
}

/** The name of a number, by its place in the list. */
export function nameText(names: readonly string[], value: number | undefined): string {
  return names[value ?? -1] ?? "unknown";
}

/** `name value`, or nothing. */
export function optionalText(name: string, value: number | bigint | string | undefined): string[] {
  return value === undefined ? [] : [`${name} ${value}`];
}

/** `flags 0x4`, or nothing where none is set. */
export function flagsText(flags: number | undefined): string[] {
  return flags === undefined || flags === 0 ? [] : [`flags 0x${flags.toString(16)}`];
}
