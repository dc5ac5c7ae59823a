// What the kernel has otherwise on one machine than on the other, beside the numbers of system calls (syscalls.ts).

import { engine } from "./engine.ts";

interface Machine {
  /** include/uapi/asm-generic/fcntl.h on x86-64; arch/arm64/include/uapi/asm/fcntl.h has values of its own. */
  readonly O_DIRECTORY: number;
  readonly O_NOFOLLOW: number;
  /**
   * Where `data` is in struct epoll_event { __u32 events; __u64 data; } of include/uapi/linux/eventpoll.h: on x86-64 alone it
   * is packed (EPOLL_PACKED).
   */
  readonly EPOLL_EVENT_DATA: number;
}

/** Both machines, for the test that holds them against C headers. */
export const MACHINES: Readonly<Record<"x64" | "arm64", Machine>> = {
  x64: { O_DIRECTORY: 0o200000, O_NOFOLLOW: 0o400000, EPOLL_EVENT_DATA: 4 },
  arm64: { O_DIRECTORY: 0o40000, O_NOFOLLOW: 0o100000, EPOLL_EVENT_DATA: 8 },
};

/** This machine. */
export const MACHINE: Machine = MACHINES[engine.arch];
