// bauta-viewer as it is built, with the executable as it is built: who is served, what with, and whom it cannot be disturbed by.
// The page itself is in test/viewer.

import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startBeside, until } from "../support/background.ts";
import { poll, run } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { attachContainers, breakWeb1, STORY, startViewer, VIEWER } from "../support/viewer-node.ts";
import { becomeNode, cleanNode } from "./masquerade/node.ts";

const BAUTA = resolve("dist/bauta");

beforeAll(() => {
  becomeNode();
});
afterEach(() => cleanNode());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request, with a connection of its own. */
function ask(url: URL, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  return new Promise((done, failed) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => done({ status: response.statusCode, headers: response.headers, text }));
    });
    asked.on("error", failed).end();
  });
}

interface Event {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: the expectations say what it is
  readonly data: any;
}

/** The events of a stream until the test ends. */
function listen(url: URL): () => Event[] {
  let text = "";
  const asked = request(new URL("events", url), { agent: false }, (response) => {
    response.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    response.on("error", () => undefined);
  });
  asked.on("error", () => undefined).end();
  onTestFinished(() => {
    asked.destroy();
  });
  return () =>
    text
      .split("\n\n")
      .slice(0, -1)
      .flatMap((event) => {
        const [, name = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
        return name === "" ? [] : [{ name, data: JSON.parse(data) }];
      });
}

describe("bauta-viewer serve", () => {
  let url: URL;
  beforeEach(async () => {
    url = await startViewer();
  });

  it("listens on the loopback address only", () => {
    const listening = run("cat", "/proc/net/tcp", "/proc/net/tcp6")
      .split("\n")
      .filter((line) => / 0A /.test(line));
    const port = Number(url.port).toString(16).toUpperCase().padStart(4, "0");
    expect(listening.map((line) => line.trim().split(/ +/)[1])).toEqual([`0100007F:${port}`]);
  });

  it("gives the page and its parts to those who have the token, with a policy that lets nothing else in", async () => {
    const page = await ask(url);
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": expect.stringMatching(
        /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
      ),
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page.text)?.[1] ?? "none";
    expect(await ask(new URL(script, url))).toMatchObject({
      status: 200,
      headers: { "content-type": "text/javascript; charset=utf-8" },
    });
    expect((await ask(url, { Host: `localhost:${url.port}` })).status).toBe(200);
    expect((await ask(url, { Origin: url.origin, "Sec-Fetch-Site": "same-origin" })).status).toBe(200);
    expect((await ask(new URL("../../etc/passwd", url))).status).toBe(403);
    expect((await ask(new URL("..%2fbauta-viewer.mjs", url))).status).toBe(404);
  });

  it.each(["", "events", "assets/x.js"])("refuses all others, at %s", async (path) => {
    const inside = new URL(path, url);
    const statusOf = async (where: URL, headers = {}, method = "GET") => (await ask(where, headers, method)).status;
    const [, token = ""] = url.pathname.split("/");
    for (const wrong of ["", "x", token.slice(1), `${token}x`, token.toLowerCase(), "%00", "a".repeat(8000)]) {
      expect(await statusOf(new URL(`${url.origin}/${wrong}/${path}`))).toBe(403);
    }
    expect(await statusOf(inside, { Host: "evil.example" })).toBe(421);
    expect(await statusOf(inside, { Host: `evil.example:${url.port}` })).toBe(421);
    expect(await statusOf(inside, { Origin: "http://evil.example" })).toBe(403);
    expect(await statusOf(inside, { Origin: "null" })).toBe(403);
    expect(await statusOf(inside, { Origin: "http://127.0.0.1:1" })).toBe(403);
    expect(await statusOf(inside, { "Sec-Fetch-Site": "cross-site" })).toBe(403);
    expect(await statusOf(inside, { "Sec-Fetch-Site": "same-site" })).toBe(403);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) expect(await statusOf(inside, {}, method)).toBe(405);
  });

  it("tells what is there, what changes, and which family somebody has lost", async () => {
    attachContainers();
    const events = listen(url);
    const all = (name: string) => events().filter((event) => event.name === name);
    const latest = (container: string) =>
      events()
        .flatMap(({ name, data }) =>
          name === "whole" ? data.attachments : name === "rest" ? data : (data.changed ?? []),
        )
        .filter((one) => one.container === container)
        .at(-1);
    await until("the attachments", () => ["web-1", "web-2", "db-1"].every((name) => latest(name)?.state === "ok"));
    STORY.first();
    STORY.second();
    breakWeb1();
    const losses = () =>
      all("generations").flatMap(({ data }) => data.flatMap((one: { losses: object[] }) => one.losses));
    await until("both losses", () => losses().length >= 2);
    expect(losses()).toEqual([
      { family: 4, who: "c0ffee on podman (eth0)", by: expect.stringMatching(/^nft, process \d+$/) },
      { family: 4, who: "web-1 on lan (eth0)", by: expect.stringMatching(/^nft, process \d+$/) },
    ]);
    await until("web-1 to be ill", () => latest("web-1")?.state === "no-policy");
    await until("the node", () =>
      JSON.stringify([all("whole"), all("node")]).includes('"dev":"uplink","via":"192.0.2.2"'),
    );
    // Who comes later is told the same.
    const later = listen(url);
    await until("the whole", () => later().length > 0);
    expect(later()[0]?.data.generations.flatMap(({ losses }: { losses: object[] }) => losses)).toEqual(losses());
  });

  it("answers while 1,000 clients send half a request and no more", async () => {
    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (let at = 0; at < 1000; at++) {
      const socket = connect(Number(url.port), "127.0.0.1").on("error", () => undefined);
      socket.write("GET / HTTP/1.1\r\nHost: ");
      sockets.push(socket);
      if (at % 100 === 99) expect((await ask(url)).status).toBe(200);
    }
    await until(
      "most to be gone",
      () => sockets.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length <= 128,
    );
    expect((await ask(url)).status).toBe(200);
  });

  it("answers while 1,000 pages that do not read are open, and keeps little for them", async () => {
    attachContainers();
    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (let at = 0; at < 1000; at++) {
      const socket = connect(Number(url.port), "127.0.0.1").on("error", () => undefined);
      socket.write(`GET ${url.pathname}events HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
      socket.pause();
      sockets.push(socket);
      if (at % 100 === 99) expect((await ask(url)).status).toBe(200);
    }
    const events = listen(url);
    await until("the whole", () => events().some(({ name }) => name === "whole"));
    const port = `:${Number(url.port).toString(16).toUpperCase().padStart(4, "0")} `;
    const isOpen = (line: string): boolean =>
      line.trim().split(/ +/)[1]?.endsWith(port.trim()) === true && / 01 /.test(line);
    await until(
      "the older ones to end",
      () => readFileSync("/proc/net/tcp", "utf8").split("\n").filter(isOpen).length <= 20,
    );
  });
});

describe("bauta serve and bauta graph", () => {
  /** A PATH that has bauta-viewer, and what it needs. */
  function pathWithViewer(): string {
    const directory = temporaryDirectory();
    symlinkSync(VIEWER, join(directory, "bauta-viewer"));
    return `/nowhere::${directory}:${process.env["PATH"]}`;
  }

  it("become the viewer, with this executable and the same options", async () => {
    attachContainers();
    const env = { ...process.env, PATH: pathWithViewer() };
    const { status, stdout, stderr } = spawnSync(BAUTA, ["graph", "--network", "dual"], { encoding: "utf8", env });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("db-1");
    expect(stdout).not.toContain("web-1");
    const beside = startBeside(BAUTA, ["serve"], { env });
    await beside.prints(/^http:.*\n/);
    expect((await ask(new URL(beside.printed().trim()))).status).toBe(200);
    const [program, ...args] = readFileSync(`/proc/${beside.child.pid}/cmdline`, "utf8").split("\0");
    expect(program).toMatch(/node$/);
    expect(args.slice(1, -1)).toEqual(["serve", `--bauta=${BAUTA}`]);
    expect(spawnSync(BAUTA, ["graph", "--width", "wide"], { encoding: "utf8", env })).toMatchObject({ status: 2 });
  });

  it("say what is missing where it is not there", () => {
    expect(spawnSync(BAUTA, ["serve"], { encoding: "utf8", env: { PATH: "/usr/bin" } })).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^bauta: bauta serve needs the program bauta-viewer.*docs\/viewer\.md/),
    });
  });
});

describe("bauta-viewer", () => {
  const viewer = (...args: readonly string[]) => spawnSync(process.execPath, [VIEWER, ...args], { encoding: "utf8" });

  it("prints the picture as a file", () => {
    attachContainers();
    breakWeb1();
    const { status, stdout, stderr } = viewer("graph", "--bauta", BAUTA);
    expect([status, stderr]).toEqual([0, ""]);
    for (const text of ["web-1", "10.22.0.3", "fd00:22::2", "8080 → 80/tcp", "bridge cni0", "leaves as 192.0.2.1"]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).toContain("IPv4 is not masqueraded (no-policy), while IPv6 is");
    expect(viewer("graph", "--bauta", BAUTA, "--network", "dual").stdout).not.toContain("web-1");
  });

  it("says what is wrong with a command line, and that the executable is missing", () => {
    expect(viewer()).toMatchObject({ status: 2, stderr: expect.stringContaining("serve or graph?") });
    expect(viewer("serve", "--port", "65536")).toMatchObject({ status: 2, stderr: expect.stringContaining("65535") });
    expect(viewer("graph", "--nothing")).toMatchObject({ status: 2 });
    expect(viewer("graph", "--bauta", "/none")).toMatchObject({
      status: 1,
      stderr: "bauta-viewer: /none is not there: name bauta's executable with --bauta PATH\n",
    });
    expect(viewer("help")).toMatchObject({ status: 0, stdout: expect.stringContaining("Usage: bauta-viewer serve") });
  });

  it("ends by Ctrl-C with all that it has started", async () => {
    const beside = startBeside(process.execPath, [VIEWER, "serve", "--bauta", BAUTA]);
    await beside.prints(/^http/);
    const children = () => run("cat", `/proc/${beside.child.pid}/task/${beside.child.pid}/children`).trim();
    const monitor = poll("the monitor", () =>
      children()
        .split(" ")
        .find((pid) => pid !== "" && /monitor/.test(run("cat", `/proc/${pid}/cmdline`))),
    );
    beside.child.kill("SIGINT");
    expect(await beside.ends()).toBe(0);
    poll("the monitor's end", () => spawnSync("ls", [`/proc/${monitor}`]).status !== 0);
  });
});
