// How full a file system is.

import { call } from "./call.ts";

/** How much of something there is, and how much of it is left for programs of root. */
export interface Room {
  readonly total: bigint;
  readonly free: bigint;
}

/** struct statfs of include/uapi/asm-generic/statfs.h, on machines of 64 bits: type, block size, blocks, free blocks, … */
const SIZE = 120;

/** Like `df` and `df -i`: the bytes and the inodes of the file system that has the path. Throws SyscallError. */
export function fileSystemRoom(path: string): { readonly bytes: Room; readonly inodes: Room } {
  const buffer = new Uint8Array(SIZE);
  call(`look at the file system of ${path}`, "statfs", path, buffer);
  const word = (at: number): bigint => new DataView(buffer.buffer).getBigUint64(at, true);
  const blockSize = word(8);
  return {
    bytes: { total: word(16) * blockSize, free: word(24) * blockSize },
    // A file system that makes inodes as it needs them, btrfs say, tells of none.
    inodes: { total: word(40), free: word(48) },
  };
}
