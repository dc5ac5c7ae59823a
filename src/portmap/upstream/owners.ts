// Whose a rule of upstream's is: of the container a comment tells the id, and perhaps the network; the interface is told by
// host-local's addresses, or by the names of the results that container runtimes keep.

import type { Attachment } from "../../cni/attachment.ts";
import { cachedResults, holderOf, NETWORKS, resultName } from "../../owned/runtime-files.ts";
import { readDirectoryIfAny } from "../../sys/file.ts";
import { formatIp, type Ip } from "../../wire/ip.ts";

/** What a rule tells. */
export interface RuleOwner {
  readonly containerId: string;
  /** Undefined where the rule does not tell. */
  readonly network: string | undefined;
}

/** Finds attachments; what the node's files say is read once. */
export class Owners {
  #networks: readonly string[] | undefined;
  #results: ReadonlySet<string> | undefined;

  /** The attachment that has the address; a phrase where it is not known. Throws SyscallError. */
  find({ containerId, network }: RuleOwner, address: Ip): Attachment | string {
    const networks = network === undefined ? this.#allNetworks() : [network];
    for (const one of networks) {
      const holder = holderOf(one, address);
      if (holder?.containerId === containerId && holder.ifname !== "") return holder;
    }
    const found = this.#byResult(containerId, network);
    const [only, ...more] = found;
    if (only !== undefined && more.length === 0) return only;
    const who = `container ${containerId} with ${formatIp(address)}`;
    return only === undefined
      ? `neither host-local nor a container runtime's record knows ${who}`
      : `container runtimes have several records of ${who}`;
  }

  #allNetworks(): readonly string[] {
    this.#networks ??= readDirectoryIfAny(NETWORKS);
    return this.#networks;
  }

  /** A name is NETWORK-CONTAINER-IFNAME, and each part may have hyphens. */
  #byResult(containerId: string, network: string | undefined): Attachment[] {
    this.#results ??= cachedResults();
    const middle = `-${containerId}-`;
    return [...this.#results].flatMap((name): Attachment[] => {
      const at = name.indexOf(middle);
      if (at <= 0) return [];
      const one = { network: name.slice(0, at), containerId, ifname: name.slice(at + middle.length) };
      return (network === undefined || network === one.network) && resultName(one) === name ? [one] : [];
    });
  }
}
