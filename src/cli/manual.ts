// `bauta manual`: the manual page, made of the verbs' own declarations, in the language of man(7).

import { version as release } from "../../package.json";
import { PLUGIN_NAMES } from "../plugins/all.ts";
import { optionsOf, usageOf, type Verb, verb, writtenOf } from "./verb.ts";

const ABOUT = `
Prints the manual page of bauta, of section 8, in the language of man(7):

  bauta manual | man -l -
  bauta manual > /usr/local/share/man/man8/bauta.8
`;

/** The verb; it is one of `verbs` itself. */
export function manualVerb(verbs: () => readonly Verb[]): Verb {
  return verb({
    name: "manual",
    summary: "Prints the manual page",
    about: ABOUT,
    options: {},
    run(_, io) {
      io.printText(manualPage(verbs()));
    },
  });
}

/** The page: requests of man(7), a line each. */
function manualPage(verbs: readonly Verb[]): string {
  return [
    `.TH BAUTA 8 "" "bauta ${release}"`,
    ".SH NAME",
    "bauta \\- looks at what bauta's CNI plugins have set up on this node, and looks after it",
    ".SH SYNOPSIS",
    ...verbs.flatMap(synopsis).slice(1),
    ".SH DESCRIPTION",
    "The executable is a command and all of bauta's CNI plugins. Called by the name of a plugin it is that plugin:",
    `${plain(PLUGIN_NAMES.join(", "))}.`,
    "Called by any other name it is this command.",
    ".SH COMMANDS",
    ...verbs.flatMap(section),
    ".SH EXIT STATUS",
    ...items([
      ["0", "Done."],
      ["1", "It could not be done; the reason is on standard error."],
      ["2", "It was asked for wrongly."],
    ]),
    ".SH ENVIRONMENT",
    ...items([
      ["NO_COLOR", "Switches colours off, unless it is empty."],
      ["CI", "Unless it is empty no line on a terminal tells what is being done."],
    ]),
    ".SH SEE ALSO",
    ".BR nft (8),",
    ".BR ip (8),",
    ".BR bridge (8)",
    "",
  ].join("\n");
}

function synopsis({ name, ...rest }: Verb): string[] {
  return [".br", `.B bauta ${name}`, ...usageOf(rest).map(plain)];
}

function section({ name, summary, about, options }: Verb): string[] {
  return [
    `.SS bauta ${name}`,
    `${plain(summary)}.`,
    ...paragraphs(about),
    ".PP",
    "Options:",
    ...items(optionsOf({ options }).map((option) => [writtenOf(option), option.about])),
  ];
}

/** Paragraphs are filled; those that hold an indented line, a table say, keep their lines. */
function paragraphs(about: string): string[] {
  return about
    .trim()
    .split(/\n\n+/)
    .flatMap((paragraph) => {
      const lines = paragraph.split("\n").map(plain);
      return /^\s/m.test(paragraph) ? [".PP", ".nf", ...lines, ".fi"] : [".PP", ...lines];
    });
}

function items(entries: readonly (readonly [term: string, about: string])[]): string[] {
  return entries.flatMap(([term, about]) => [".TP", `.B ${plain(term)}`, plain(about)]);
}

/** Text that roff takes as it is: hyphens stay hyphens, and no line is a request. */
function plain(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
