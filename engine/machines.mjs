// The machines that bauta is built for, and what others call them.

/**
 * @typedef {object} Machine
 * @property {"x64" | "arm64"} node As Node.js and npm call it.
 * @property {string} debian
 * @property {string} oci
 * @property {string} gnu The GNU triplet, which a cross compiler's name begins with.
 * @property {string} musl The same with musl as the C library.
 * @property {string} emulator A program that runs the machine's executables on another one.
 * @property {string} hardening What makes a stolen return address useless: CET, or signed pointers.
 */

/** @type {Readonly<Record<"x64" | "arm64", Machine>>} */
export const MACHINES = {
  x64: {
    node: "x64",
    debian: "amd64",
    oci: "amd64",
    gnu: "x86_64-linux-gnu",
    musl: "x86_64-linux-musl",
    emulator: "qemu-x86_64",
    hardening: "-fcf-protection",
  },
  arm64: {
    node: "arm64",
    debian: "arm64",
    oci: "arm64",
    gnu: "aarch64-linux-gnu",
    musl: "aarch64-linux-musl",
    emulator: "qemu-aarch64",
    hardening: "-mbranch-protection=standard",
  },
};

/** The machine that this program runs on. */
export const OWN_MACHINE = ownMachine();

function ownMachine() {
  const own = Object.values(MACHINES).find(({ node }) => node === process.arch);
  if (own === undefined)
    throw new Error(`bauta is built for ${Object.keys(MACHINES).join(" and ")}, not ${process.arch}`);
  return own;
}

/**
 * The command line that runs an executable of the machine here: under an emulator where that is another machine.
 * @param {Machine} machine
 * @param {string} executable
 * @param {readonly string[]} args
 * @returns {[program: string, args: string[]]}
 */
export function commandOn(machine, executable, args) {
  return machine === OWN_MACHINE ? [executable, [...args]] : [machine.emulator, [executable, ...args]];
}
