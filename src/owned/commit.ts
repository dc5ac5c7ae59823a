// Sockets to nf_tables, and when to close them.

import type { Command } from "../nftables/message.ts";
import { Nftables } from "../nftables/nftables.ts";
import { hasCode } from "../sys/error.ts";

/**
 * Opens a socket for `use`, and closes it, unless someone keeps it open longer: see closingLast. Throws an Error that says
 * so, with the kernel's answer as its cause, where the kernel has no nf_tables.
 */
export function withNftables<T>(use: (nft: Nftables) => T, keep?: Keep): T {
  try {
    return withSocket(use, keep);
  } catch (error) {
    if (!isForWantOfNftables(error)) throw error;
    throw new Error("this node's kernel has no nf_tables, which ipMasq, macspoofchk, portmap and firewall take", {
      cause: error,
    });
  }
}

function withSocket<T>(use: (nft: Nftables) => T, keep?: Keep): T {
  const nft = Nftables.open();
  try {
    return use(nft);
  } finally {
    if (keep === undefined) nft.close();
    else keep(nft);
  }
}

/**
 * The same for taking things away. Returns false where the kernel has no nf_tables: nothing of ours can be there then, and
 * a DEL or GC must not fail for it.
 */
export function withNftablesIfAny(use: (nft: Nftables) => void, keep?: Keep): boolean {
  try {
    withSocket(use, keep);
    return true;
  } catch (error) {
    if (isForWantOfNftables(error)) return false;
    throw error;
  }
}

/** Opens a socket for `use` where the kernel has nfnetlink, whether or not it has nf_tables; see closingLast for `keep`. */
export function withNetfilter(use: (nft: Nftables | undefined) => void, keep: Keep = (nft) => nft.close()): void {
  let nft: Nftables | undefined;
  try {
    nft = Nftables.open();
  } catch (error) {
    if (!hasCode(error, "EPROTONOSUPPORT")) throw error;
  }
  try {
    use(nft);
  } finally {
    if (nft !== undefined) keep(nft);
  }
}

/** net/netfilter/nfnetlink.c: no such subsystem, for a request and for a batch. Other mistakes, too, are EINVAL. */
const NO_SUBSYSTEM = ["EINVAL", "EOPNOTSUPP"] as const;

/** Whether it is because this node's kernel has no nf_tables that this was thrown. */
export function isForWantOfNftables(error: unknown): boolean {
  if (hasCode(error, "EPROTONOSUPPORT")) return true; // socket(2) without nfnetlink
  if (!hasCode(error, ...NO_SUBSYSTEM)) return false;
  try {
    withSocket((nft) => nft.generation());
    return false;
  } catch (again) {
    return hasCode(again, ...NO_SUBSYSTEM);
  }
}

/** What stands in the way of `attempt`, in words, or undefined where nothing does: for STATUS. */
export function reasonAgainst(attempt: () => void): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    const reasons: string[] = [];
    for (let at = error; at instanceof Error; at = at.cause) reasons.push(at.message);
    return reasons.join(": ");
  }
}

/** How often a change is begun again because another's came in between. */
const ATTEMPTS = 100;

/** In how many of these attempts the kernel compares generations. */
const ATTEMPTS_BY_GENERATION = 10;

/**
 * Carries out a change that depends on what is there: `attempt` reads that, and commits for the generation it asked for
 * first. Where anyone has committed in between, the kernel refuses (ERESTART), which costs nothing, and it begins again.
 *
 * Programs that commit without a pause would have the kernel refuse for ever. So after some attempts the generation is
 * undefined: what is committed then must fail by itself, with ENOENT, EEXIST or EBUSY, where what it relies on has changed.
 * That costs a grace period each time, but only those who change the same things are in the way.
 */
export function untilCommitted<T>(nft: Nftables, attempt: (generation: () => number | undefined, nth: number) => T): T {
  for (let nth = 1; ; nth++) {
    try {
      return attempt(() => (nth <= ATTEMPTS_BY_GENERATION ? nft.generation() : undefined), nth);
    } catch (error) {
      if (nth === ATTEMPTS || !hasCode(error, "ERESTART", "ENOENT", "EEXIST", "EBUSY")) throw error;
    }
  }
}

/**
 * Commits what fails by itself where anything that it relies on is not so: returns false then, with nothing done. Throws
 * NetlinkError for any other failure.
 */
export function tryCommit(
  nft: Nftables,
  commands: readonly Command[],
  options: { readonly genid?: number | undefined } = {},
): boolean {
  try {
    nft.commit(commands, options);
    return true;
  } catch (error) {
    if (!hasCode(error, "ENOENT", "EEXIST", "EBUSY", "ERESTART")) throw error;
    return false;
  }
}

/**
 * Makes a change in its cheap form, which reads little or nothing, and in which the kernel waits for nothing: `cheap` returns
 * false where that cannot be, with nothing done. Then `exact` reads what is there and commits for the generation that it asked
 * for first. Where anybody comes in between, the cheap form is tried again: that may have made what was missing.
 */
export function cheapThenExact(
  nft: Nftables,
  cheap: () => boolean,
  exact: (generation: () => number | undefined) => void,
): void {
  if (cheap()) return;
  untilCommitted(nft, (generation, nth) => {
    if (nth === 1 || !cheap()) exact(generation);
  });
}

/**
 * Takes things out in their cheap form, and by `exact` where `cheap` returns false, with nothing done. Of two that leave at
 * once neither may have seen itself as the last: so what only the last takes along is asked for afterwards, too, and is left
 * to `exact`. Returns whether the cheap form has done it, and what `exact` returned.
 */
export function takeOut<T>(
  cheap: () => boolean,
  isAnythingUnused: () => boolean,
  exact: () => T,
): { readonly isDone: boolean; readonly exactly: T | undefined } {
  const isDone = cheap();
  return { isDone, exactly: !isDone || isAnythingUnused() ? exact() : undefined };
}

/** Takes over the closing of a socket. */
export type Keep = (nft: Nftables) => void;

/**
 * Runs `work` and closes the sockets that it has given to `keep` when all of it is done. A socket that has deleted
 * something waits, when it is closed, until the kernel has freed that: a grace period, 16 ms at HZ=250. Deleting a link
 * takes such a wait too, so the two should pass together.
 */
export function closingLast<T>(work: (keep: Keep) => T): T {
  const kept: Nftables[] = [];
  try {
    return work((nft) => kept.push(nft));
  } finally {
    for (const nft of kept) nft.close();
  }
}
