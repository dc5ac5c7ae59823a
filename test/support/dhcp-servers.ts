// The DHCP servers of Debian on the network of a test: each has one address to give, for six seconds.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBeside, until } from "./background.ts";
import type { Lan } from "./dhcp.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The address that the servers give, and for how many seconds. */
export const ONLY: { readonly address: string; readonly seconds: number } = { address: "192.168.77.60", seconds: 6 };

/** Kea, which must find the bridge with a carrier. */
export async function startKea(lan: Lan): Promise<void> {
  const directory = temporaryDirectory();
  const configuration = {
    "interfaces-config": { interfaces: ["lan0"] },
    "lease-database": { type: "memfile", persist: false },
    "valid-lifetime": ONLY.seconds,
    subnet4: [
      {
        id: 1,
        subnet: "192.168.77.0/24",
        pools: [{ pool: `${ONLY.address} - ${ONLY.address}` }],
        "option-data": [
          { name: "routers", data: "192.168.77.1" },
          { name: "domain-name-servers", data: "9.9.9.9" },
        ],
      },
    ],
    loggers: [{ name: "kea-dhcp4", severity: "ERROR" }],
    // A lease that was returned is for anybody at once.
    "expired-leases-processing": { "hold-reclaimed-time": 0 },
  };
  const file = join(directory, "kea.json");
  writeFileSync(file, JSON.stringify({ Dhcp4: configuration }));
  const env = { ...process.env, KEA_PIDFILE_DIR: directory, KEA_LOCKFILE_DIR: directory };
  startBeside("kea-dhcp4", ["-c", file], { netns: lan.server, env });
  await listens(lan);
}

/**
 * systemd-networkd, without a systemd. It takes the addresses of the bridge into its own hands. Since 256 it waits, unless told not to
 * keep leases, for a service of systemd that makes it a directory.
 */
export async function startNetworkd(lan: Lan): Promise<void> {
  lan.server.ip("address flush dev lan0"); // networkd sets its own, and does not take over another's
  const directory = temporaryDirectory();
  for (const name of ["network", "netif"]) mkdirSync(join(directory, "run/systemd", name), { recursive: true });
  const file = `
    [Match]
    Name=lan0
    [Network]
    Address=192.168.77.1/24
    DHCPServer=yes
    ConfigureWithoutCarrier=yes
    [DHCPServer]
    PoolOffset=${ONLY.address.split(".")[3]}
    PoolSize=1
    DefaultLeaseTimeSec=${ONLY.seconds}
    MaxLeaseTimeSec=${ONLY.seconds}
    EmitRouter=yes
    PersistLeases=no
    DNS=9.9.9.9
  `;
  writeFileSync(join(directory, "run/systemd/network/lan0.network"), file.replaceAll(/^ +/gm, ""));
  // It becomes this user, which an ordinary user's namespace has no number for but root's.
  writeFileSync(join(directory, "passwd"), "systemd-network:x:0:0::/:/bin/false\n");
  // A read-only /sys says, as in a container, that there is no udev which could say when an interface is ready.
  const script = `mount --bind "$1/run" /run && mount --bind "$1/passwd" /etc/passwd &&
    mount --rbind /sys /sys && mount -o remount,ro,bind /sys && exec /usr/lib/systemd/systemd-networkd`;
  const env = { ...process.env, SYSTEMD_LOG_LEVEL: "warning" };
  startBeside("unshare", ["--mount", "bash", "-c", script, "-", directory], { netns: lan.server, env });
  await listens(lan);
}

async function listens(lan: Lan): Promise<void> {
  await until("the server to listen", () => lan.server.exec("cat", "/proc/net/udp").includes(":0043 "));
}
