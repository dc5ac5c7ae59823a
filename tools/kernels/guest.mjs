// Runs a guest once: a virtual machine without KVM or disks, whose network has nobody else in it. Its first file system has all
// that it needs.

import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The kernel's Documentation/admin-guide/kernel-parameters.txt explains each of them. */
const PARAMETERS = [
  "rdinit=/init",
  "init=/init",
  "console=ttyS0",
  "quiet",
  "panic=-1",
  "oops=panic",
  "mitigations=off",
  "audit=0",
  "nowatchdog",
];
// An emulated clock is not exact. The kernel must not check it too closely.
PARAMETERS.push("tsc=reliable", "no_timer_check", "rcupdate.rcu_expedited=1");

/**
 * Two network cards at these PCI addresses, on one Ethernet. No driver is loaded for them until a test does that: to all others
 * they are not there. `romfile=`: nobody boots from them.
 */
const CARDS = ["0x10", "0x11"].flatMap((address, i) => {
  const netdev = ["-netdev", `hubport,id=card${i},hubid=0`];
  return [...netdev, "-device", `virtio-net-pci,netdev=card${i},addr=${address},mac=52:54:00:00:00:0${i + 1},romfile=`];
});

/**
 * @typedef {object} Report What one entry has to say, as vitest's JSON reporter has it of a file.
 * @property {string} name
 * @property {string} message
 * @property {{ fullName: string, status: string, duration: number, failureMessages: string[] }[]} assertionResults
 * @property {Record<string, string>} [features]
 */

/**
 * Boots the kernel and returns the reports of the entries. An entry that has not reported is left out.
 * @param {import("./kernel.mjs").Kernel} kernel
 * @param {string} image
 * @param {{ readonly console: string, readonly scratch: string, readonly processors: number,
 *   readonly timeoutMs: number, readonly onReport: (report: Report) => void }} options Files and directories to use.
 * @returns {Promise<{ reports: Report[], failure: string | undefined }>} With how it ended, if too early.
 */
export async function runGuest(kernel, image, { console, scratch, processors, timeoutMs, onReport }) {
  const initrd = join(scratch, `${kernel.suite}.initrd`);
  const results = join(scratch, `${kernel.suite}.results`);
  concatenate([image, kernel.modules], initrd);
  // While the kernel unpacks it, the archive lies in memory beside the file system, which may take half of the memory.
  const megabytes = Math.ceil(statSync(initrd).size / 2 ** 20) * 3 + 512;
  const args = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"];
  args.push("-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max");
  args.push(...CARDS, "-smp", String(processors), "-m", String(megabytes));
  args.push("-kernel", kernel.image, "-initrd", initrd, "-append", PARAMETERS.join(" "));
  args.push("-serial", `file:${console}`, "-serial", `file:${results}`);
  const heard = new Results(results, onReport);
  const listening = setInterval(() => heard.read(), 500);
  try {
    const end = await runProgram("qemu-system-x86_64", args, timeoutMs);
    heard.read();
    return { reports: heard.reports, failure: heard.hasEnded ? undefined : end };
  } finally {
    clearInterval(listening);
    rmSync(initrd);
  }
}

/** The lines that the guest writes to its second serial port. */
class Results {
  #path;
  #onReport;
  #linesRead = 0;
  /** @type {Report[]} */
  reports = [];
  hasEnded = false;

  /**
   * @param {string} path
   * @param {(report: Report) => void} onReport
   */
  constructor(path, onReport) {
    this.#path = path;
    this.#onReport = onReport;
  }

  /** Reads the lines that have come since the last call. */
  read() {
    const lines = existsSync(this.#path) ? readFileSync(this.#path, "utf8").split("\n").slice(0, -1) : [];
    for (const line of lines.slice(this.#linesRead)) {
      this.#linesRead++;
      if (line === "end") {
        this.hasEnded = true;
      } else {
        const report = JSON.parse(line);
        this.reports.push(report);
        this.#onReport(report);
      }
    }
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {number} timeoutMs
 * @returns {Promise<string>} How it ended.
 */
async function runProgram(program, args, timeoutMs) {
  const child = spawn(program, args, {
    stdio: ["ignore", "inherit", "inherit"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (status, signal) => resolve(`${program} ended with ${signal ?? `status ${status}`}`));
    });
  } finally {
    process.off("exit", kill);
  }
}

/**
 * @param {readonly string[]} paths
 * @param {string} to
 */
function concatenate(paths, to) {
  const fd = openSync(to, "w");
  for (const path of paths) {
    const content = readFileSync(path);
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
  }
  closeSync(fd);
}
