// What the executable prints: `bauta list --json`, `bauta node --json`, and the lines of `bauta monitor --all --json`
// (docs/command.md).

/** One thing that an attachment owns. */
export interface ListedItem {
  readonly address: string;
  readonly policy: string | null;
  readonly packets: number | null;
  readonly bytes: number | null;
  readonly state: string;
}

/** An object of `bauta list --json`. */
export interface ListedAttachment {
  readonly network: string | null;
  readonly container: string | null;
  readonly interface: string | null;
  readonly id: string | null;
  readonly state: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly addresses: readonly ListedItem[];
}

/** The object of `bauta node --json`. */
export interface NodeReport {
  readonly links: readonly NodeLink[];
  readonly routes: readonly NodeRoute[];
}

export interface NodeLink {
  readonly name: string;
  readonly kind: string | null;
  readonly up: boolean;
  readonly master: string | null;
  readonly addresses: readonly string[];
}

export interface NodeRoute {
  readonly to: string;
  readonly dev: string;
  readonly via: string | null;
}

/** A line of `bauta monitor --json`. */
export interface ChangeReport {
  readonly change: "add" | "delete" | "lost";
  readonly generation?: number;
  readonly program?: string | null;
  readonly pid?: number | null;
  readonly kind?: string;
  readonly family?: string;
  readonly table?: string;
  readonly chain?: string;
  readonly set?: string;
  readonly key?: string;
  readonly comment?: string;
  readonly network?: string | null;
  readonly container?: string | null;
  readonly interface?: string | null;
  readonly text?: string;
}

export const NO_NODE: NodeReport = { links: [], routes: [] };

/** What stands for an attachment as long as it lives. */
export function keyOf({ id, network, container, interface: ifname, addresses }: ListedAttachment): string {
  return id ?? `${network ?? "-"}/${container ?? "-"}/${ifname ?? "-"}/${addresses[0]?.address ?? ""}`;
}
