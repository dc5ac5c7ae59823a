// Archives that the kernel unpacks as its first file system: cpio in the format `newc`
// (Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source). They may be concatenated.

import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

/** Writes an archive. All of its files belong to root, whichever user runs this. Directories are added as they are needed. */
export class CpioWriter {
  #fd;
  #inode = 1;
  /** @type {Set<string>} */
  #names = new Set();

  /** @param {string} path */
  constructor(path) {
    this.#fd = openSync(path, "w");
  }

  /**
   * Whether the archive has something of this name.
   * @param {string} name
   */
  has(name) {
    return this.#names.has(name);
  }

  /** @param {string} name A path without the first `/`. */
  directory(name) {
    if (!this.#names.has(name)) this.#add(name, S_IFDIR | 0o755, new Uint8Array(0));
  }

  /**
   * @param {string} name
   * @param {string | Uint8Array} content
   */
  file(name, content, mode = 0o644) {
    this.#add(name, S_IFREG | mode, Buffer.from(content));
  }

  /**
   * @param {string} name
   * @param {string} path What to take the content and the mode from.
   */
  copy(name, path) {
    this.file(name, readFileSync(path), statSync(path).mode & 0o777);
  }

  /**
   * @param {string} name
   * @param {string} target
   */
  link(name, target) {
    this.#add(name, S_IFLNK | 0o777, Buffer.from(target));
  }

  close() {
    this.#write("TRAILER!!!", 0, new Uint8Array(0));
    closeSync(this.#fd);
  }

  /**
   * @param {string} name
   * @param {number} mode
   * @param {Uint8Array} content
   */
  #add(name, mode, content) {
    if (this.#names.has(name)) throw new Error(`${name} is in the archive already`);
    if (name.includes("/")) this.directory(dirname(name));
    this.#names.add(name);
    this.#write(name, mode, content);
  }

  /**
   * @param {string} name
   * @param {number} mode
   * @param {Uint8Array} content
   */
  #write(name, mode, content) {
    const path = Buffer.from(`${name}\0`);
    // c_ino, c_mode, c_uid, c_gid, c_nlink, c_mtime, c_filesize, c_maj, c_min, c_rmaj, c_rmin, c_namesize, c_chksum
    const fields = [this.#inode++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0];
    const header = `070701${fields.map((value) => value.toString(16).padStart(8, "0")).join("")}`;
    for (const part of [Buffer.from(header), path]) writeSync(this.#fd, part);
    this.#pad(header.length + path.length);
    for (let at = 0; at < content.length; ) at += writeSync(this.#fd, content, at);
    this.#pad(content.length);
  }

  /** @param {number} length */
  #pad(length) {
    writeSync(this.#fd, new Uint8Array(-length & 3));
  }
}
