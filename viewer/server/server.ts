// The server: the page's files and the stream of events, on the loopback address, for those who know the token.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Feed, Listener } from "./feed.ts";
import { admit, HEADERS } from "./guard.ts";

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

export interface ServerOptions {
  readonly feed: Feed;
  readonly token: string;
  /** By their paths behind the token; "" is the page itself. */
  readonly files: ReadonlyMap<string, PageFile>;
  /** 0 for one that is free. */
  readonly port: number;
}

const LOOPBACK = "127.0.0.1";
/** A request must be there by then. */
const REQUEST_MS = 10_000;
/** An answer must go on. */
const IDLE_MS = 30_000;
/** Connections that have not shown the token: of more, the oldest ends, so that a new one always has its turn. */
const STRANGERS = 128;
/** Pages that are open; of more, the oldest ends. */
const STREAMS = 16;
/** A browser must take something of what is kept for it by then. */
const BEHIND_MS = 60_000;
const HEARTBEAT_MS = 15_000;

/** Serves until `close`. Resolves when it listens. */
export async function serve({ feed, token, files, port }: ServerOptions): Promise<{ port: number; close: () => void }> {
  const strangers = new Set<Socket>();
  const streams = new Set<Stream>();
  const server = createServer({
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: 16 << 10,
    keepAliveTimeout: 5000,
  });
  server.timeout = IDLE_MS;
  server.on("connection", (socket) => {
    strangers.add(socket);
    socket.once("close", () => strangers.delete(socket));
    for (const oldest of surplus(strangers, STRANGERS)) oldest.destroy();
  });
  server.on("request", (request, response) => {
    const admitted = admit(request, token, portOf(server));
    if (typeof admitted !== "string") {
      answer(request, response, admitted.status, "text/plain; charset=utf-8", Buffer.from(`${admitted.text}\n`));
      return;
    }
    strangers.delete(request.socket);
    if (admitted === "events") stream(request, response);
    else {
      const file = files.get(admitted);
      if (file === undefined) answer(request, response, 404, "text/plain; charset=utf-8", Buffer.from("Not found\n"));
      else answer(request, response, 200, file.type, file.content);
    }
  });
  const stream = (request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, { ...HEADERS, "Content-Type": "text/event-stream" });
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    request.socket.setTimeout(0);
    const one = new Stream(response);
    streams.add(one);
    for (const oldest of surplus(streams, STREAMS)) oldest.end();
    response.once("close", () => {
      streams.delete(one);
      feed.remove(one);
      one.end();
    });
    feed.add(one);
  };
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(port, LOOPBACK, done);
  });
  return {
    port: portOf(server),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Takes the oldest of a set out of it until so many are left. */
function surplus<T>(all: Set<T>, most: number): T[] {
  const oldest = [...all].slice(0, Math.max(0, all.size - most));
  for (const one of oldest) all.delete(one);
  return oldest;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  content: Buffer,
): void {
  // Nothing is sent to us, so nothing is read.
  const close = status === 200 ? {} : { Connection: "close" };
  response.writeHead(status, { ...HEADERS, ...close, "Content-Type": type, "Content-Length": content.length });
  response.end(request.method === "HEAD" ? undefined : content);
}

/** One page's stream. One that does not keep up misses events, and gets the whole when it has taken what there was. */
class Stream implements Listener {
  readonly #response: ServerResponse;
  readonly #heartbeat: NodeJS.Timeout;
  #behind: { readonly whole: () => string; readonly limit: NodeJS.Timeout } | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    // A browser that is gone is noticed by this.
    this.#heartbeat = setInterval(() => {
      if (this.#behind === undefined) response.write(": \n\n");
    }, HEARTBEAT_MS);
    response.on("drain", () => this.#catchUp());
  }

  tell(event: string, whole: () => string): void {
    if (this.#response.destroyed) return;
    if (this.#behind !== undefined) {
      this.#behind = { ...this.#behind, whole };
      this.#isOutdated = true;
      return;
    }
    if (!this.#response.write(event)) {
      this.#behind = { whole, limit: setTimeout(() => this.#response.destroy(), BEHIND_MS) };
      this.#isOutdated = false;
    }
  }

  #isOutdated = false;

  #catchUp(): void {
    if (this.#behind === undefined) return;
    const { whole, limit } = this.#behind;
    clearTimeout(limit);
    this.#behind = undefined;
    if (this.#isOutdated) this.tell(whole(), whole);
  }

  end(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#behind?.limit);
    this.#response.destroy();
  }
}
