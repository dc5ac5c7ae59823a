// Devices that upstream's plugin has moved, or whose record somebody has removed: nothing but the alias tells the old name.

import { interfaceNameProblem } from "../cni/environment.ts";
import { withNamespacesIfAny, withNode } from "../links/namespaces.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import { getNetDevice, listNetDevices, type NetDevice } from "../rtnetlink/net-device.ts";
import { formatMac } from "../wire/mac.ts";
import { bringBack } from "./give-back.ts";
import { isDevice } from "./identity.ts";
import { type RecordedDevice, records } from "./records.ts";
import { type Note, restoreDevice } from "./restore-device.ts";

/**
 * Gives back the container's interface whose alias is `oldName`, the name of the device in the configuration, or where that names
 * none, the interface `ifname` by whatever alias it has. Where the container has no such interface, hardware with that alias
 * which has come back by itself gets its name. Does nothing where there is nothing. Throws NetlinkError or SyscallError.
 */
export function giveBackByAlias(netns: string, ifname: string, oldName: string | undefined, note: Note): void {
  const isBack = withNamespacesIfAny(netns, (namespaces) => {
    const named = getNetDevice(namespaces.container, ifname);
    const own = named?.name === ifname && named.alias ? named : undefined;
    const link = oldName === undefined || own?.alias === oldName ? own : withAlias(namespaces.container, oldName);
    if (link === undefined && own !== undefined) note(strangeAlias(own, oldName));
    if (link === undefined || isRecorded(link)) return false;
    const device = deviceOf(link);
    if (device === undefined)
      note(`${JSON.stringify(link.name)} stays in the container: its alias is no name that a link can have`);
    else bringBack(namespaces, link, device, note);
    return true;
  });
  if (isBack === true || oldName === undefined) return;
  withNode((node) => {
    if (getBriefLink(node, oldName) !== undefined) return;
    const link = withAlias(node, oldName);
    const device = link?.kind === undefined ? link && deviceOf(link) : undefined;
    if (link !== undefined && device !== undefined) restoreDevice(node, link, device, note);
  });
}

/** The container can give its interface any alias, and so could choose a name on the node. */
function strangeAlias({ name, alias }: NetDevice, oldName = ""): string {
  const [link, found, wanted] = [name, alias, oldName].map((text) => JSON.stringify(text));
  return `${link} stays in the container: its alias is ${found}, not ${wanted}, the device of the configuration`;
}

/** Whether it is another attachment's: the namespace may be another container's by now. */
function isRecorded(link: NetDevice): boolean {
  return records.listLive().some(({ record: { device } }) => isDevice(link, device, "container"));
}

function withAlias(connection: Parameters<typeof listNetDevices>[0], alias: string | undefined): NetDevice | undefined {
  return alias === undefined ? undefined : listNetDevices(connection).find((link) => link.alias === alias);
}

/** As upstream leaves a device on the node: down, without an alias. */
function deviceOf({ index, alias = "", mac, mtu, kind }: NetDevice): RecordedDevice | undefined {
  if (interfaceNameProblem(alias) !== undefined) return undefined;
  return { name: alias, index, mac: formatMac(mac), kind, isUp: false, mtu, alternativeNames: [] };
}
