// The software bill of materials: valid by CycloneDX's own schema, and complete by what the executable says of itself.

import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { PackageURL } from "packageurl-js";
import { beforeAll, describe, expect, it } from "vitest";
import { OWN_MACHINE } from "../../../engine/machines.mjs";
import { sha256 } from "../../../tools/package/sums.mjs";
import { EMULATED, emulated, OTHER_MACHINE, runs } from "../../support/emulated.ts";
import { makePackages, packageNamed } from "../../support/packages.ts";

const PACKAGES = makePackages();

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly unknown[];
}

/** A machine, its executable, and how that is run here. */
const MACHINES = [
  { machine: OWN_MACHINE, file: "dist/bauta", command: (...args: string[]) => ["dist/bauta", args] as const },
  { machine: OTHER_MACHINE, file: EMULATED, command: (...args: string[]) => emulated("bauta", ...args) },
];

describe.each(MACHINES)("for $machine.node", ({ machine, file, command }) => {
  let text = "";
  let bom: { readonly components: readonly Component[]; readonly metadata: { readonly component: unknown } };
  beforeAll(() => {
    text = readFileSync(packageNamed(PACKAGES, new RegExp(`-${machine.node}\\.cdx\\.json$`)), "utf8");
    bom = JSON.parse(text);
  });

  it("is valid by the schema of CycloneDX 1.6", async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(text)).toBeNull();
    // The validator does find something where there is something.
    expect(await validator.validate(text.replace('"library"', '"shelf"'))).not.toBeNull();
  });

  it("names each part that the executable names, with its version, its licence and where it is from", () => {
    const [, said = ""] = /^built with (.*)$/m.exec(runs(command("version")).stdout) ?? [];
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
    const hashes = [{ alg: "SHA-256", content: sha256(readFileSync(file)) }];
    expect(bom.metadata.component).toMatchObject({ name: "bauta", hashes });
  });
});
