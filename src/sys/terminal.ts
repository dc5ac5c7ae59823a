// Whether a descriptor is a terminal, and how wide it is: ioctl_tty(2).

import { tryCall } from "./call.ts";

// include/uapi/asm-generic/ioctls.h
const TCGETS = 0x5401;
const TIOCGWINSZ = 0x5413;

/** Like isatty(3). */
export function isTerminal(fd: number): boolean {
  const termios = new Uint8Array(64); // struct termios has 36 bytes
  return tryCall("ioctl", fd, TCGETS, termios) === 0;
}

/** How many columns the terminal has; undefined where the descriptor is none, or one that does not know. */
export function terminalColumns(fd: number): number | undefined {
  const size = new Uint8Array(8); // struct winsize { u16 ws_row, ws_col, ws_xpixel, ws_ypixel; }
  if (tryCall("ioctl", fd, TIOCGWINSZ, size) !== 0) return undefined;
  const columns = new DataView(size.buffer).getUint16(2, true);
  return columns === 0 ? undefined : columns;
}
