// npm run test:arm64: boots Debian's kernel for arm64 in qemu, emulated, and has the executable attach containers there. The guest
// has busybox and the executable, and nothing else of Debian: guest.sh is what happens in it.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PLUGIN_NAMES } from "../../engine/bundles.mjs";
import { CACHE, ROOT } from "../../engine/executable.mjs";
import { MACHINES } from "../../engine/machines.mjs";
import { FILE_PATIENCE_S } from "../../engine/patience.mjs";
import { messageOf, unpackOnce } from "../apt.mjs";
import { CpioWriter } from "../kernels/cpio.mjs";
import { getKernel } from "../kernels/kernel.mjs";

const MACHINE = MACHINES.arm64;
/** The release whose kernel and busybox the guest has. */
const SUITE = "bookworm";
const WORK = join(CACHE, "arm64");

const HELP = `Usage: npm run test:arm64

Boots Debian's kernel for arm64 in qemu, emulated, and attaches containers with dist/bauta-arm64: by ptp and by bridge with IP
masquerade in both families, whose packets must pass. Prints a line for each step; exit status 1 where one failed.
The kernel and busybox come through apt and are kept in build/arm64, with the guest's console.
`;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
try {
  process.exitCode = process.argv.includes("--help") ? help() : await main();
} catch (error) {
  process.stderr.write(`bauta: test:arm64: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

function help() {
  process.stdout.write(HELP);
  return 0;
}

async function main() {
  mkdirSync(WORK, { recursive: true });
  const kernel = getKernel(SUITE, join(WORK, "kernels"), MACHINE);
  const busybox = join(WORK, `busybox-${SUITE}`);
  unpackOnce(SUITE, ["busybox-static"], busybox, MACHINE.debian);
  const image = join(WORK, "image.cpio");
  writeImage(image, join(busybox, "bin/busybox"));
  const initrd = join(WORK, "initrd");
  writeFileSync(initrd, Buffer.concat([readFileSync(image), readFileSync(kernel.modules)]));
  const console = await boot(kernel.image, initrd);
  for (const path of [image, initrd]) rmSync(path);
  writeFileSync(join(WORK, "console"), console);
  const lines = console.split(/\r?\n/).filter((line) => /^(guest|ok|not ok): /.test(line));
  for (const line of lines) process.stdout.write(`${line}\n`);
  const failed = lines.filter((line) => line.startsWith("not ok: ")).length;
  const passed = lines.filter((line) => line.startsWith("ok: ")).length;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  if (!lines.includes("guest: end"))
    throw new Error(`the guest ended too early: ${join(WORK, "console")} has what it said`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

/**
 * The first file system of the guest.
 * @param {string} path
 * @param {string} busybox
 */
function writeImage(path, busybox) {
  const archive = new CpioWriter(path);
  for (const name of ["dev", "proc", "sys", "run", "tmp", "var/lib", "etc/cni/net.d", "usr/lib"])
    archive.directory(name);
  archive.file("bin/busybox", readFileSync(busybox), 0o755);
  archive.link("bin/sh", "busybox");
  archive.link("sbin/modprobe", "../bin/busybox"); // where the kernel looks
  archive.link("lib", "usr/lib");
  archive.file("bin/bauta", readFileSync(join(ROOT, "dist", `bauta-${MACHINE.node}`)), 0o755);
  for (const name of PLUGIN_NAMES) archive.link(`opt/cni/bin/${name}`, "../../../bin/bauta");
  archive.file("init", readFileSync(join(import.meta.dirname, "guest.sh")), 0o755);
  archive.close();
}

/**
 * Runs the guest to its end; returns what it has said.
 * @param {string} kernel
 * @param {string} initrd
 * @returns {Promise<string>}
 */
function boot(kernel, initrd) {
  const machine = ["-machine", "virt", "-cpu", "cortex-a57", "-accel", "tcg", "-smp", "1", "-m", "1024"];
  const nothing = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"];
  const parameters = "rdinit=/init console=ttyAMA0 quiet panic=-1 oops=panic mitigations=off audit=0 nowatchdog";
  const files = ["-kernel", kernel, "-initrd", initrd, "-append", parameters, "-serial", "stdio"];
  const guest = spawn("qemu-system-aarch64", [...nothing, ...machine, ...files], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: FILE_PATIENCE_S * 1000,
    killSignal: "SIGKILL",
  });
  process.once("exit", () => guest.kill("SIGKILL"));
  let said = "";
  guest.stdout.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    guest.once("error", reject);
    guest.once("close", () => resolve(said));
  });
}
