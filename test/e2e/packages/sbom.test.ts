// The software bill of materials: valid by CycloneDX's own schema, and complete by what the executable says of itself.

import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { PackageURL } from "packageurl-js";
import { beforeAll, expect, it } from "vitest";
import { sha256 } from "../../../tools/package/sums.mjs";
import { run } from "../../support/netns.ts";
import { makePackages, packageNamed } from "../../support/packages.ts";

const PACKAGES = makePackages();

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly unknown[];
}

let text = "";
let bom: { readonly components: readonly Component[]; readonly metadata: { readonly component: unknown } };
beforeAll(() => {
  text = readFileSync(packageNamed(PACKAGES, /\.cdx\.json$/), "utf8");
  bom = JSON.parse(text);
});

it("is valid by the schema of CycloneDX 1.6", async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  expect(await validator.validate(text)).toBeNull();
  // The validator does find something where there is something.
  expect(await validator.validate(text.replace('"library"', '"shelf"'))).not.toBeNull();
});

it("names each part that the executable names, with its version, its licence and where it is from", () => {
  const [, said = ""] = /^built with (.*)$/m.exec(run("dist/bauta", "version")) ?? [];
  const parts = said.split(", ").map((part) => part.split(" ")[0] ?? "");
  expect(bom.components.map(({ name }) => name).sort()).toEqual(parts.sort());
  expect(parts).toEqual(expect.arrayContaining(["QuickJS", "base64-js", "leven"]));
  for (const { name, version, purl, licenses } of bom.components) {
    expect(version).toMatch(/^\d+[.-]\d+/);
    expect(licenses).toHaveLength(1);
    const { type, version: packaged } = PackageURL.fromString(purl);
    expect(type).toBe(/^(QuickJS|musl|glibc)$/.test(name) ? "deb" : "npm");
    expect(packaged).toMatch(/^\d/);
  }
});

it("has the digest of the executable", () => {
  const hashes = [{ alg: "SHA-256", content: sha256(readFileSync("dist/bauta")) }];
  expect(bom.metadata.component).toMatchObject({ name: "bauta", hashes });
});
