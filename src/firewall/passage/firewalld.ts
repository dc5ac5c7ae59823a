// Letting packets through by firewalld: a container's address as a source of a zone, which is trusted unless the configuration
// names another. Only in the running configuration: `firewall-cmd --reload` forgets it, and `bauta restore` puts it back.

import { Bus, DBusError } from "../../dbus/bus.ts";
import { hasCode } from "../../sys/error.ts";
import { familyOf, formatIp, type Ip } from "../../wire/ip.ts";

const NAME = "org.fedoraproject.FirewallD1";
const OBJECT = { destination: NAME, path: "/org/fedoraproject/FirewallD1", interface: `${NAME}.zone` } as const;

/** firewalld does not answer while it loads its rules anew. */
const PATIENCE_MS = 20_000;

/** Addresses with the zone that they are sources of. */
export interface ZoneSource {
  readonly ip: Ip;
  readonly zone: string;
}

/** Makes the addresses sources of their zones. Throws DBusError or SyscallError. */
export function admitByFirewalld(sources: readonly ZoneSource[]): void {
  withFirewalld((bus) => {
    for (const { zone, ip } of sources) addSource(bus, zone, ip);
  });
}

function addSource(bus: Bus, zone: string, ip: Ip): void {
  try {
    bus.call({ ...OBJECT, member: "addSource", texts: [zone, sourceText(ip)] });
  } catch (error) {
    if (!says(error, "ZONE_ALREADY_SET")) throw error;
  }
}

/** Takes the addresses out of their zones; those that are not there are passed over. Throws DBusError or SyscallError. */
export function dismissFromFirewalld(sources: readonly ZoneSource[]): void {
  withFirewalld((bus) => {
    for (const { zone, ip } of sources) {
      try {
        bus.call({ ...OBJECT, member: "removeSource", texts: [zone, sourceText(ip)] });
      } catch (error) {
        if (!says(error, "UNKNOWN_SOURCE") && !says(error, "INVALID_ZONE")) throw error;
      }
    }
  });
}

/** The sources that are missing, as phrases. Throws DBusError or SyscallError. */
export function firewalldFaults(sources: readonly ZoneSource[]): string[] {
  return withFirewalld((bus) =>
    sources
      .filter(({ zone, ip }) => bus.call({ ...OBJECT, member: "querySource", texts: [zone, sourceText(ip)] }) !== true)
      .map(({ zone, ip }) => `${sourceText(ip)} is no source of the zone ${zone} of firewalld`),
  );
}

/** As upstream's plugin writes them. */
function sourceText(ip: Ip): string {
  return `${formatIp(ip)}/${familyOf(ip) === 4 ? 32 : 128}`;
}

function says(error: unknown, code: string): boolean {
  return error instanceof DBusError && error.message.includes(code);
}

/** Why firewalld cannot be asked; undefined where it can. */
export function firewalldMissing(): string | undefined {
  try {
    withFirewalld(() => undefined);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Whether firewalld runs; false, too, where there is no bus. Throws SyscallError for what else goes wrong. */
export function isFirewalldRunning(): boolean {
  try {
    const bus = Bus.openSystem(PATIENCE_MS);
    try {
      return bus.hasOwner(NAME);
    } finally {
      bus.close();
    }
  } catch (error) {
    if (hasCode(error, "ENOENT", "ECONNREFUSED", "EACCES") || error instanceof DBusError) return false;
    throw error;
  }
}

function withFirewalld<T>(use: (bus: Bus) => T): T {
  const bus = Bus.openSystem(PATIENCE_MS);
  try {
    if (!bus.hasOwner(NAME)) throw new DBusError(`firewalld does not run: nobody on the bus is called ${NAME}`);
    return use(bus);
  } finally {
    bus.close();
  }
}
