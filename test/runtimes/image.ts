// An image for runtimes that take nothing else: an OCI image layout (image-spec, image-layout.md) in a tar archive.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/netns.ts";

export const IMAGE = "localhost/bauta-test:latest";

const MEDIA = "application/vnd.oci.image";

/** Packs the root file system into an archive of one image, whose command is to sleep. Returns the archive's path. */
export function packImage(rootfs: string, work: string): string {
  const layout = join(work, "image");
  const blobs = join(layout, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const blob = (content: Buffer, mediaType: string): { mediaType: string; digest: string; size: number } => {
    const digest = createHash("sha256").update(content).digest("hex");
    writeFileSync(join(blobs, digest), content);
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const tar = join(work, "layer.tar");
  run("tar", "--create", "--file", tar, "--directory", rootfs, ".");
  const layer = blob(readFileSync(tar), `${MEDIA}.layer.v1.tar`);
  const process = { Cmd: ["sleep", "9999"], Env: ["PATH=/bin"] };
  const rootFs = { type: "layers", diff_ids: [layer.digest] };
  const config = { architecture: "amd64", os: "linux", config: process, rootfs: rootFs };
  const manifest = { schemaVersion: 2, config: blob(json(config), `${MEDIA}.config.v1+json`), layers: [layer] };
  const named = {
    ...blob(json(manifest), `${MEDIA}.manifest.v1+json`),
    annotations: { "io.containerd.image.name": IMAGE },
  };
  writeFileSync(join(layout, "index.json"), json({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  const archive = join(work, "image.tar");
  run("tar", "--create", "--file", archive, "--directory", layout, ".");
  return archive;
}
