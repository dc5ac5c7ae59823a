// The software bill of materials, in the JSON of CycloneDX 1.6: bauta, and what its executable contains.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { PackageURL } from "packageurl-js";
import { partsOf } from "./contents.mjs";
import { sha256 } from "./sums.mjs";

/**
 * Writes the bill into the release's directory; returns its text.
 * @param {import("./release.mjs").Release} release
 */
export function makeBom(release) {
  const bom = bomOf(release);
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const serializer = new Serialize.JsonSerializer(factory);
  const text = `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
  writeFileSync(join(release.output, `bauta-${release.version}-linux-${release.machine.node}.cdx.json`), text);
  return text;
}

/** @param {import("./release.mjs").Release} release */
function bomOf(release) {
  const { description, executable, time, version } = release;
  const main = new Models.Component(Enums.ComponentType.Application, "bauta", {
    bomRef: `bauta@${version}`,
    version,
    description,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense("Apache-2.0")]),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-256"], sha256(readFileSync(executable))]]),
  });
  const components = partsOf(release).map(componentOf);
  for (const { bomRef } of components) main.dependencies.add(bomRef);
  const metadata = new Models.Metadata({ timestamp: new Date(time * 1000), component: main });
  return new Models.Bom({ metadata, components: new Models.ComponentRepository(components) });
}

/** @param {import("./contents.mjs").Part} part */
function componentOf({ hash, licence, name, source, version }) {
  const { type, namespace, name: packageName, version: packageVersion, qualifiers } = source;
  const purl = new PackageURL(type, namespace, packageName, packageVersion, qualifiers, undefined).toString();
  return new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: `${name}@${version}`,
    version,
    purl,
    scope: Enums.ComponentScope.Required,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense(licence)]),
    hashes: new Models.HashDictionary(hash === undefined ? [] : [[Enums.HashAlgorithm[hash[0]], hash[1]]]),
  });
}
