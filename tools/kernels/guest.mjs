// One run of a guest: a virtual machine without KVM, disks or network, whose first file system is all that it has.

import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

/** For `quiet` see the kernel's Documentation/admin-guide/kernel-parameters.txt, and so for the others. */
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
// What is emulated keeps bad time: the kernel must not look at it too closely.
PARAMETERS.push("tsc=reliable", "no_timer_check", "rcupdate.rcu_expedited=1");

/**
 * @typedef {object} Report What one entry has to say, as vitest's JSON reporter has it of a file.
 * @property {string} name
 * @property {string} message
 * @property {{ fullName: string, status: string, duration: number, failureMessages: string[] }[]} assertionResults
 * @property {Record<string, string>} [features]
 */

/**
 * Boots the kernel and returns what the entries report, those that never did so left out.
 * @param {import("./kernel.mjs").Kernel} kernel
 * @param {string} image
 * @param {{ readonly directory: string, readonly processors: number, readonly timeoutMs: number,
 *   readonly onReport: (report: Report) => void }} options
 * @returns {Promise<{ reports: Report[], hasEnded: boolean, log: string }>}
 */
export async function runGuest(kernel, image, { directory, processors, timeoutMs, onReport }) {
  const initrd = join(directory, `${kernel.suite}.initrd`);
  const console = join(directory, `${kernel.suite}.log`);
  const results = join(directory, `${kernel.suite}.results`);
  for (const path of [console, results]) rmSync(path, { force: true });
  concatenate([image, kernel.modules], initrd);
  // The archive lies in memory beside the file system that is made of it, which may take half of the memory.
  const megabytes = Math.ceil(statSync(initrd).size / 2 ** 20) * 3 + 512;
  const args = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"];
  args.push("-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max");
  args.push("-smp", String(processors), "-m", String(megabytes));
  args.push("-kernel", kernel.image, "-initrd", initrd, "-append", PARAMETERS.join(" "));
  args.push("-serial", `file:${console}`, "-serial", `file:${results}`);
  /** @type {Report[]} */
  const reports = [];
  let hasEnded = false;
  const look = () => {
    const lines = existsSync(results) ? readFileSync(results, "utf8").split("\n").slice(0, -1) : [];
    for (const line of lines.slice(reports.length)) {
      const report = JSON.parse(line);
      hasEnded = report.end === true;
      if (hasEnded) return;
      reports.push(report);
      onReport(report);
    }
  };
  const looking = setInterval(look, 500);
  try {
    await runProgram(process.env["QEMU"] ?? "qemu-system-x86_64", args, timeoutMs);
  } finally {
    clearInterval(looking);
    rmSync(initrd, { force: true });
  }
  look();
  return { reports, hasEnded, log: console };
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {number} timeoutMs
 */
async function runProgram(program, args, timeoutMs) {
  const child = spawn(program, args, {
    stdio: ["ignore", "inherit", "inherit"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
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
