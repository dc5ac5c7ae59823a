// The image for container runtimes: a layout of OCI, for all machines. Each has one layer with the executable and its licences,
// from scratch. What runs is `bauta install`.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fill, gzip, tar } from "./archive.mjs";
import { ROOT, workDirectory } from "./release.mjs";
import { sha256 } from "./sums.mjs";

/** Of https://github.com/opencontainers/image-spec, 1.0. */
const TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};

/**
 * @typedef {import("./release.mjs").Release} Release
 *
 * @typedef {object} Descriptor
 * @property {string} mediaType
 * @property {string} digest
 * @property {number} size
 *
 * @typedef {(mediaType: string, bytes: Uint8Array) => Descriptor} Put Keeps a blob.
 */

/** @param {readonly [Release, ...Release[]]} releases */
export function makeImage(releases) {
  const [release] = releases;
  const { output, version } = release;
  const layout = workDirectory(release, "image");
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  /** @type {Put} */
  const put = (mediaType, bytes) => {
    const digest = sha256(bytes);
    writeFileSync(join(layout, "blobs/sha256", digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const platforms = releases.map((one) => manifestOf(one, put));
  const image = put(TYPES.index, json({ schemaVersion: 2, mediaType: TYPES.index, manifests: platforms }));
  // The names by which podman and containerd know the image.
  const annotations = {
    "org.opencontainers.image.ref.name": `bauta:${version}`,
    "io.containerd.image.name": `localhost/bauta:${version}`,
  };
  const named = [{ ...image, annotations }];
  writeFileSync(join(layout, "index.json"), json({ schemaVersion: 2, mediaType: TYPES.index, manifests: named }));
  writeFileSync(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  const archive = tar(release, layout, ["blobs", "index.json", "oci-layout"]);
  writeFileSync(join(output, `bauta-${version}-linux.oci.tar`), archive);
}

/**
 * The image for one machine, as an entry of an index.
 * @param {Release} release
 * @param {Put} put
 */
function manifestOf(release, put) {
  const { executable, machine, notices } = release;
  const root = workDirectory(release, "image-root");
  const files = { bauta: { from: executable }, LICENSE: { from: join(ROOT, "LICENSE") }, NOTICES: { text: notices } };
  fill(root, files, ["bauta"]);
  const layer = tar(release, root, ["LICENSE", "NOTICES", "bauta"]);
  const platform = { architecture: machine.oci, os: "linux" };
  const config = put(TYPES.config, json(configOf(release, platform, `sha256:${sha256(layer)}`)));
  const layers = [put(TYPES.layer, gzip(layer))];
  const manifest = put(TYPES.manifest, json({ schemaVersion: 2, mediaType: TYPES.manifest, config, layers }));
  return { ...manifest, platform };
}

/**
 * @param {Release} release
 * @param {{ architecture: string, os: string }} platform
 * @param {string} layer
 */
function configOf({ description, time, version }, platform, layer) {
  const created = new Date(time * 1000).toISOString();
  return {
    created,
    ...platform,
    config: {
      User: "0:0",
      Entrypoint: ["/bauta", "install"],
      WorkingDir: "/",
      Labels: {
        "org.opencontainers.image.title": "bauta",
        "org.opencontainers.image.description": description,
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    },
    rootfs: { type: "layers", diff_ids: [layer] },
    history: [{ created, created_by: "npm run package" }],
  };
}

/** @param {unknown} value */
function json(value) {
  return Buffer.from(JSON.stringify(value));
}
