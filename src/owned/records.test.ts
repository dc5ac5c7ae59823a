import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import type { Attachment } from "../cni/attachment.ts";
import { attachmentId, idText } from "./id.ts";
import { type BaseRecord, RecordStore } from "./records.ts";

interface Note extends BaseRecord {
  readonly text: string;
}

function makeStore(): RecordStore<Note> {
  return new RecordStore<Note>(`${temporaryDirectory()}/run/notes`, {
    toJson: (record) => record,
    fromJson: ({ attachment, text }) => (typeof text === "string" ? { attachment, text } : undefined),
  });
}

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const idOf = (containerId: string): string => idText(attachmentId(at(containerId)));
const note = (containerId: string, text = "a note"): Note => ({ attachment: at(containerId), text });
const pathOf = (store: RecordStore<Note>, containerId: string): string => `${store.directory}/${idOf(containerId)}`;

describe("RecordStore", () => {
  it("gives back what was written, by the attachment and by its id", () => {
    const store = makeStore();
    expect([store.isKept(), store.read(at("c1")), store.list()]).toEqual([false, undefined, []]);
    store.write(note("c1"));
    store.writeNew([note("c2"), note("c3", "other")]);
    expect(store.isKept()).toBe(true);
    expect(store.read(at("c1"))).toEqual(note("c1"));
    expect(store.byId(idOf("c3"))).toEqual(note("c3", "other"));
    expect([store.has(at("c1")), store.has(at("c4"))]).toEqual([true, false]);
    expect(store.liveIds()).toEqual(new Set(["c1", "c2", "c3"].map(idOf)));
    expect(store.listLive()).toHaveLength(3);
    expect(store.survey((id) => id === idOf("c2")).live).toEqual([{ id: idOf("c2"), record: note("c2") }]);
    expect(Number(store.time(idOf("c1"))) / 1e9).toBeCloseTo(Date.now() / 1000, -2);
    expect(store.time(idOf("c4"))).toBeUndefined();
    store.forget(idOf("c1"));
    expect(store.has(at("c1"))).toBe(false);
  });

  it("keeps the record of an attachment whose removal has begun until the removal ends", () => {
    const store = makeStore();
    store.write(note("c1"));
    writeFileSync(`${pathOf(store, "c1")}.tmp`, "half"); // of an ADD that was killed
    expect(store.beginRelease(at("c1"))).toEqual(note("c1"));
    expect([store.read(at("c1")), store.has(at("c1")), store.listLive()]).toEqual([undefined, false, []]);
    expect(store.find(at("c1"))).toEqual({ id: idOf("c1"), record: note("c1") });
    expect(store.survey().leaving).toEqual([{ id: idOf("c1"), record: note("c1") }]);
    expect(store.beginRelease(at("c1"))).toEqual(note("c1"));
    store.endRelease(at("c1"));
    expect(readdirSync(store.directory)).toEqual([]);
    expect(store.beginRelease(at("c1"))).toBeUndefined();
    store.endRelease(at("c1"));
  });

  it("takes an attachment that was made anew after a removal that never ended for live", () => {
    const store = makeStore();
    store.write(note("c1", "old"));
    store.beginRelease(at("c1"));
    store.write(note("c1", "new"));
    expect(store.survey()).toMatchObject({ live: [{ record: { text: "new" } }], leaving: [], problems: [] });
    expect(store.beginRelease(at("c1"))).toEqual(note("c1", "new"));
  });

  it("reads records larger than most", () => {
    const store = makeStore();
    const large = note("c1", "x".repeat(100_000));
    store.write(large);
    expect([store.read(at("c1")), store.listLive()[0]?.record]).toEqual([large, large]);
  });

  it("shares what a format's reader remembers between the records of one listing", () => {
    const texts: string[][] = [];
    const store = new RecordStore<Note>(temporaryDirectory(), {
      toJson: (record) => record,
      fromJson: ({ attachment, text }) => ({ attachment, text: String(text) }),
      reader() {
        const seen: string[] = [];
        texts.push(seen);
        return (text) => {
          seen.push(text);
          return JSON.parse(text);
        };
      },
    });
    store.writeNew([note("c1"), note("c2")]);
    store.listLive();
    store.listLive();
    expect(texts.map((seen) => seen.length)).toEqual([2, 2]);
  });
});

describe("a record that the kernel does not let be read", () => {
  it.each([
    ["openat", "EACCES"],
    ["openat", "EIO"],
    ["read", "EIO"],
  ] as const)("is not taken for none: %s says %s", (call, code) => {
    const store = makeStore();
    store.writeNew([note("c1"), note("c2")]);
    const refusing = (work: () => unknown): unknown =>
      withSyscalls((name, args) => {
        const isOther = call === "openat" && !String(args[1]).includes(idOf("c1"));
        return name === call && !isOther ? code : undefined;
      }, work);
    const ways: readonly (() => unknown)[] = [
      () => store.read(at("c1")),
      () => store.byId(idOf("c1")),
      () => store.has(at("c1")),
      () => store.find(at("c1")),
      () => store.beginRelease(at("c1")),
    ];
    for (const ask of ways) expect(() => refusing(ask)).toThrow(new RegExp(`${pathOf(store, "c1")}.*${code}`));
    expect(store.read(at("c1"))).toEqual(note("c1"));
    // Among many it keeps nobody from the others.
    if (call === "openat") expect(refusing(() => store.survey())).toMatchObject({ live: [{ record: note("c2") }] });
  });
});

/** Makes what is no record in the place of one. */
const ODD: Readonly<Record<string, (path: string) => Promise<void> | void>> = {
  "a directory": (path) => void mkdirSync(path),
  "a FIFO": (path) => void execFileSync("mkfifo", [path]),
  "a symbolic link": (path) => symlinkSync("/etc/passwd", path),
  "a socket": (path) =>
    new Promise((resolve) => {
      const server = createServer().listen(path, resolve);
      onTestFinished(() => void server.close());
    }),
  "an empty file": (path) => writeFileSync(path, ""),
  "half a record": (path) => writeFileSync(path, '{"attachment":{"network":"net","contai'),
  "a record without an attachment": (path) => writeFileSync(path, '{"text":"x"}'),
  "a record whose attachment is none": (path) => writeFileSync(path, '{"attachment":{"network":1},"text":"x"}'),
  "a record of another kind": (path) => writeFileSync(path, JSON.stringify({ attachment: at("odd") })),
  "JSON of another kind": (path) => writeFileSync(path, "null"),
};

describe.each(Object.keys(ODD))("%s in the place of a record", (kind) => {
  it("is passed over, is told once, and keeps nothing from others", async () => {
    const store = makeStore();
    store.writeNew([note("c1"), note("c2")]);
    await ODD[kind]?.(pathOf(store, "odd"));
    const { live, problems } = store.survey();
    expect(live.map(({ record }) => record.attachment.containerId).sort()).toEqual(["c1", "c2"]);
    expect(problems).toEqual([expect.stringContaining(`${pathOf(store, "odd")} is `)]);
    expect(store.read(at("odd"))).toBeUndefined();
    expect(store.byId(idOf("odd"))).toBeUndefined();
    expect(store.has(at("odd"))).toBe(true);
    expect(store.beginRelease(at("odd"))).toBe("illegible");
  });
});

describe("files that are no record's", () => {
  it("are not looked at", () => {
    const store = makeStore();
    store.write(note("c1"));
    execFileSync("mkfifo", [`${store.directory}/README`, `${store.directory}/${"0".repeat(32)}.old`]);
    expect(store.survey()).toMatchObject({ live: [{ id: idOf("c1") }], leaving: [], problems: [] });
  });
});

describe("a record that another network namespace of the node has made", () => {
  function makeForeign(): RecordStore<Note> {
    const store = makeStore();
    store.writeNew([note("c1", "ours"), note("c2", "theirs")]);
    const path = pathOf(store, "c2");
    const written: unknown = JSON.parse(readFileSync(path, "utf8"));
    expect(written).toMatchObject({ nodeNetns: expect.stringMatching(/^cookie:\d+$|^inode:/) });
    writeFileSync(path, JSON.stringify({ ...(written as object), nodeNetns: "cookie:123456789" }));
    return store;
  }

  it("is not there for anybody who reads", () => {
    const store = makeForeign();
    expect(store.list().map(({ record }) => record.text)).toEqual(["ours"]);
    expect([store.read(at("c2")), store.byId(idOf("c2")), store.has(at("c2")), store.find(at("c2"))]).toEqual([
      undefined,
      undefined,
      false,
      undefined,
    ]);
  });

  it("stays as it is when an attachment of the same name is removed here", () => {
    const store = makeForeign();
    expect(store.beginRelease(at("c2"))).toBeUndefined();
    store.endRelease(at("c2"));
    expect(existsSync(pathOf(store, "c2"))).toBe(true);
    renameSync(pathOf(store, "c2"), `${pathOf(store, "c2")}.del`);
    expect(store.beginRelease(at("c2"))).toBeUndefined();
    store.endRelease(at("c2"));
    expect(existsSync(`${pathOf(store, "c2")}.del`)).toBe(true);
  });

  it("is told from ours on kernels that have no cookies, too", () => {
    const withoutCookies = <T>(use: () => T): T =>
      withSyscalls((name) => (name === "getsockopt" ? "ENOPROTOOPT" : undefined), use);
    const store = makeStore();
    withoutCookies(() => store.write(note("c1")));
    expect(withoutCookies(() => store.read(at("c1")))).toEqual(note("c1"));
    expect(readFileSync(pathOf(store, "c1"), "utf8")).toContain('"nodeNetns":"inode:');
  });

  it("is everybody's where it does not say whose it is, as those of before", () => {
    const store = makeStore();
    mkdirSync(store.directory, { recursive: true });
    writeFileSync(pathOf(store, "c1"), JSON.stringify(note("c1")));
    expect(store.read(at("c1"))).toEqual(note("c1"));
  });
});
