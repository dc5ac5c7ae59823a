// The node's end of a container's veth pair as a port of a bridge.

import type { Connection } from "../netlink/connection.ts";
import type { Request } from "../netlink/message.ts";
import { setBridgePort } from "../rtnetlink/bridge-port.ts";
import { type Device, deviceText } from "../rtnetlink/device.ts";
import type { Link } from "../rtnetlink/link.ts";
import { IF_OPER } from "../rtnetlink/uapi.ts";
import { waitForCarrier } from "./carrier.ts";
import { CheckError } from "./check.ts";

/** How a port treats its frames. */
export interface PortSettings {
  /** Whether frames may leave through the port that they came in by. */
  readonly hairpin: boolean;
  /** Whether frames of other isolated ports are kept away. */
  readonly isolated: boolean;
}

/** The requests that give a new port these settings: none where they are the kernel's defaults. */
export function setUpPort(port: Device, { hairpin, isolated }: PortSettings): Request[] {
  if (!hairpin && !isolated) return [];
  return [setBridgePort(port, { ...(hairpin ? { hairpin } : {}), ...(isolated ? { isolated } : {}) })];
}

/** As upstream's plugin: it gives up after 2.55 s. */
const PATIENCE_MS = 2550;

/** Waits until frames flow through the port. Throws an Error when it stays down, or has gone. */
export function waitForPort(connection: Connection, port: Device): void {
  const state = waitForCarrier(connection, port, PATIENCE_MS);
  const name = deviceText(port);
  if (state === undefined) throw new Error(`the bridge port ${name} has gone while it was being set up`);
  if (state === IF_OPER.UP) return;
  const text = `its state is ${stateText(state)}`;
  throw new Error(`the bridge port ${name} did not come up within ${PATIENCE_MS / 1000} s: ${text}`);
}

function stateText(operState: number): string {
  const [name] = Object.entries(IF_OPER).find(([, state]) => state === operState) ?? [String(operState)];
  return name.toLowerCase();
}

/** Throws CheckError where the port does not have the settings that were made. */
export function checkPort({ name, port }: Link, wanted: PortSettings): void {
  const settings = port?.kind === "bridge" && "hairpin" in port ? port : undefined;
  if (wanted.hairpin && settings?.hairpin !== true)
    throw new CheckError(`the bridge port ${name} is not in hairpin mode`);
  if (wanted.isolated && settings?.isolated !== true) throw new CheckError(`the bridge port ${name} is not isolated`);
}
