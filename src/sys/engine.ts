// The engine functions: everything that bauta can ask of the outside world. They are written in C. The executable
// (engine/quickjs.c) and the Node-API twin (engine/napi.c) both offer them as the global `bautaEngine`.

/** What a finished child process left behind. Exactly one of `status` and `signal` is 0 unless both are. */
export interface SpawnResult {
  /** Exit status, 0 to 255. */
  readonly status: number;
  /** Number of the signal that ended the child, or 0. */
  readonly signal: number;
  readonly stdout: Uint8Array;
  /** As far as it was asked for; empty where it was inherited. */
  readonly stderr: Uint8Array;
}

/** The C functions of the engine. None of them throws for a failed system call: `syscall` and `spawn` return `-errno`. */
export interface Engine {
  /**
   * syscall(2). Arguments are integers, typed arrays (a pointer to the view's first byte) or text for the kernel to read
   * (a pointer to its UTF-8, with a NUL at the end), and 0 where there is none; the result is what the kernel returned, or
   * the negated errno. A view must stay referenced until the call returns. Throws RangeError where a text has a NUL in it.
   */
  syscall(number: number, ...args: readonly (number | string | Uint8Array | Int32Array | undefined)[]): number;
  /**
   * Runs `path` with `argv` and `environment`, writes `stdin` to it and collects its standard output. Of standard error
   * the first `errorLimit` bytes are collected and the rest is dropped; without that limit it is inherited. Every
   * descriptor above 2 is closed in the child. Returns the negated errno when the child could not be started, -EMSGSIZE
   * when it printed more than `outputLimit` bytes (it is killed then), and -ETIMEDOUT when it or its children did not end
   * within `timeout` milliseconds (it leads a process group of its own then, which is killed).
   */
  spawn(
    path: string,
    argv: readonly string[],
    environment: readonly string[],
    stdin: Uint8Array,
    outputLimit: number,
    errorLimit?: number,
    timeout?: number,
  ): SpawnResult | number;
  /** Text to UTF-8. */
  encode(text: string): Uint8Array;
  /** UTF-8 to text; bytes that are not UTF-8 become U+FFFD. */
  decode(bytes: Uint8Array): string;
  /** SHA-512 (FIPS 180-4): 64 bytes. */
  sha512(bytes: Uint8Array): Uint8Array;
  /**
   * The netlink attributes between two offsets of the bytes (struct nlattr of include/uapi/linux/netlink.h): for each its type
   * with the flag bits, and the offsets where its payload begins and ends. Where the length of an attribute does not fit, the
   * list ends with the offset of that attribute alone. Throws RangeError where `to` is not within the bytes.
   */
  attributes(bytes: Uint8Array, from: number, to: number): number[];
  /**
   * Where the view's first byte is in memory: for a struct that holds a pointer. It is true as long as the view is referenced.
   */
  address(bytes: Uint8Array): number;
  /** One environment variable, or undefined. */
  getenv(name: string): string | undefined;
  /** The whole environment as `NAME=value`. */
  environ(): string[];
  /** Rewrites the positions in a stack trace to the TypeScript lines they were compiled from. */
  mapStack(stack: string): string;
  /** The command line, beginning with the name the executable was called by. */
  readonly args: readonly string[];
  /** The machine, which selects the table of system call numbers. */
  readonly arch: "x64" | "arm64";
}

declare global {
  var bautaEngine: Engine;
}

export const engine: Engine = globalThis.bautaEngine;
