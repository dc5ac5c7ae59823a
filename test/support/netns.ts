// Network namespaces for tests, and the programs that tell what is in them independently of our code.

import { execFileSync } from "node:child_process";
import { closeSync, openSync, readlinkSync } from "node:fs";
import { PATIENCE_MS, PATIENCE_S } from "../../engine/patience.mjs";

const outer = process.env["BAUTA_TEST_OUTER_NETNS"];

/** Throws unless this process is inside run-in-namespaces.sh, where it can do the host no harm. */
export function requireNamespaces(): void {
  if (outer === undefined || readlinkSync("/proc/self/ns/net") === outer) {
    throw new Error("not in namespaces of its own: run it through test/support/run-in-namespaces.sh (npm test does)");
  }
}

/** A named network namespace; `fd` stays open until it is removed. */
export interface TestNetns {
  readonly name: string;
  readonly path: string;
  readonly fd: number;
  /** Runs a program inside and returns its standard output. Throws when it fails. */
  exec(command: string, ...args: readonly string[]): string;
  /** `ip …` inside, with arguments split at spaces. */
  ip(args: string): string;
  /** `ip -j -d …` inside, as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into whatever iproute2 prints
  ipJson(args: string): any;
  remove(): void;
}

let count = 0;

/** A new namespace with its loopback down, as `ip netns add` makes it. */
export function makeNetns(name: string = `t${process.pid}-${++count}`): TestNetns {
  requireNamespaces();
  run("ip", "netns", "add", name);
  const found = openNetns(`/run/netns/${name}`, name);
  return {
    ...found,
    remove() {
      found.remove();
      run("ip", "netns", "delete", name);
    },
  };
}

/** A namespace that exists already, by a file that stands for it. `remove` closes the file; the namespace stays. */
export function openNetns(path: string, name: string = path): TestNetns {
  requireNamespaces();
  const fd = openSync(path, "r");
  const exec = (command: string, ...args: readonly string[]): string =>
    run("nsenter", `--net=${path}`, command, ...args);
  return {
    name,
    path,
    fd,
    exec,
    ip: (args) => exec("ip", ...args.split(" ")),
    ipJson: (args) => JSON.parse(exec("ip", "-j", "-d", ...args.split(" ")) || "[]"),
    remove: () => closeSync(fd),
  };
}

/** The addresses of a container's interface that reach beyond its link, IPv4 first. */
export function addressesIn(container: TestNetns, ifname = "eth0"): string[] {
  const links: { addr_info?: { local?: string }[] }[] = container.ipJson(`address show dev ${ifname} scope global`);
  // ip leaves an empty object for each that is not asked for.
  return links.flatMap(({ addr_info = [] }) => addr_info.flatMap(({ local }) => local ?? []));
}

/** Runs a program and returns its standard output. Throws with its standard error when it fails. */
export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Asks until the answer is neither undefined nor false; throws when it is never so. */
export function poll<T>(what: string, ask: () => T | undefined | false): T {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE_S} s`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}
