// The chains that containernetworking/plugins' firewall has in the table filter of iptables, and what leads there.

import type { RuleWords } from "../../iptables/rule.ts";

export const FORWARD = "FORWARD";
/** Accepts what containers may get and send. */
export const CNI_FORWARD = "CNI-FORWARD";
/** These two isolate bridges. */
export const STAGES = ["CNI-ISOLATION-STAGE-1", "CNI-ISOLATION-STAGE-2"] as const;

export const commented = (text: string): string[] => ["-m", "comment", "--comment", text];

/** The rule of FORWARD that leads to CNI-FORWARD. */
export const LEAD: RuleWords = [...commented("CNI firewall plugin rules"), "-j", CNI_FORWARD];
