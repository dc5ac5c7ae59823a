// Who is served: a page of ours, opened by somebody who knows the token. Other users of the machine reach the port, and pages of
// other sites reach it through the browser.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** What a request is refused for; the path behind the token where it is not. */
export function admit(
  { method, headers, url = "" }: Pick<IncomingMessage, "method" | "headers" | "url">,
  token: string,
  port: number,
): Refusal | string {
  if (method !== "GET" && method !== "HEAD") return { status: 405, text: "This server only shows: GET and HEAD" };
  // A foreign name that leads to the loopback address (DNS rebinding) would make a foreign page one of ours.
  const own = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!own.includes(headers.host ?? "")) return { status: 421, text: `This server is http://${own[0]}` };
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${headers.host}`) return { status: 403, text: "A foreign Origin" };
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none")
    return { status: 403, text: "A foreign page asks" };
  const [, given = "", ...rest] = (url.split("?")[0] ?? "").split("/");
  if (!isSame(given, token))
    return { status: 403, text: "A wrong token: open the address that bauta-viewer has printed" };
  return rest.join("/");
}

/** In a time that tells nothing about how much of it is right. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** What a browser is told about every answer. */
export const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer", // the token is in the address
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};
