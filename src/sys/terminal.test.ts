import { describe, expect, it } from "vitest";
import { call } from "./call.ts";
import { O, withOpen } from "./fd.ts";
import { isTerminal, terminalColumns } from "./terminal.ts";

describe("isTerminal", () => {
  it("is false for a file, for a device that is none, and for a descriptor that is not open", () => {
    expect(withOpen("/proc/self/stat", O.RDONLY, isTerminal)).toBe(false);
    expect(withOpen("/dev/null", O.RDONLY, isTerminal)).toBe(false);
    expect(isTerminal(-1)).toBe(false);
  });

  it("is true for a pseudo-terminal", () => {
    expect(withOpen("/dev/ptmx", O.RDWR, isTerminal)).toBe(true);
  });
});

describe("terminalColumns", () => {
  const TIOCSWINSZ = 0x5414;
  const setColumns = (fd: number, columns: number): void => {
    const size = Uint8Array.of(24, 0, columns & 0xff, columns >> 8, 0, 0, 0, 0);
    call("set the terminal's size", "ioctl", fd, TIOCSWINSZ, size);
  };

  it("is the width that the terminal was given", () => {
    const columns = withOpen("/dev/ptmx", O.RDWR, (fd) => {
      setColumns(fd, 300);
      return terminalColumns(fd);
    });
    expect(columns).toBe(300);
  });

  it("is unknown for a terminal without a width, and for a descriptor that is no terminal", () => {
    expect(withOpen("/dev/ptmx", O.RDWR, terminalColumns)).toBeUndefined();
    expect(withOpen("/dev/null", O.RDWR, terminalColumns)).toBeUndefined();
  });
});
