import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { trainOnce, usesOf } from "./training.mjs";

const notesOf = (...words: readonly number[]): Uint8Array => new Uint8Array(Uint16Array.from(words).buffer);

describe("a trainer's notes", () => {
  it("tell what blocks are used for, up to the last that is, and what each sort takes together", () => {
    const { uses, ...bytes } = usesOf(notesOf(16, 32 + 3, 80 + 1, 1024 + 3, 48 + 1, 16, 0, 0));
    expect(Array.from(uses)).toEqual([0, 3, 1, 3, 1]);
    expect(bytes).toEqual({ writtenBytes: 1056, readBytes: 128 });
  });

  it("may name none", () => {
    expect(usesOf(notesOf(16, 32, 0))).toEqual({ uses: new Uint8Array(0), writtenBytes: 0, readBytes: 0 });
  });

  it("are read where they begin at an odd byte of their buffer", () => {
    const padded = Uint8Array.of(0, ...notesOf(16 + 3));
    expect(usesOf(padded.subarray(1))).toEqual({ uses: Uint8Array.of(3), writtenBytes: 16, readBytes: 0 });
  });
});

describe("the training", () => {
  it("is not repeated where the trainer's own notes are kept, under its digest", async () => {
    const cache = mkdtempSync(join(tmpdir(), "bauta-training-"));
    onTestFinished(() => rmSync(cache, { recursive: true }));
    const trainer = join(cache, "trainer");
    writeFileSync(trainer, "no program: to run this would throw");
    const digest = createHash("sha256").update("no program: to run this would throw").digest("hex").slice(0, 20);
    const notes = join(cache, `${digest}.notes`);
    writeFileSync(notes, notesOf(16, 32 + 3));
    expect(await trainOnce(trainer, cache, cache)).toMatchObject({
      notes,
      uses: Uint8Array.of(0, 3),
      writtenBytes: 32,
    });

    writeFileSync(trainer, "another");
    await expect(trainOnce(trainer, cache, cache)).rejects.toThrow();
    expect(readdirSync(cache).filter((name) => name.endsWith(".notes"))).toHaveLength(1);
  });
});
