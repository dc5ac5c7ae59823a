// Projects: `unit` (no privileges), `kernel` (TypeScript under Node against the kernel), `e2e` (the built executable),
// `faults` (each of its system calls fails once), `viewer` (the page in a browser) and `runtimes` (podman and containerd with the built executable).
import { defineConfig } from "vitest/config";
import { TEST_PATIENCE_MS } from "./engine/patience.mjs";

const setupFiles = ["test/support/setup-engine.ts"];
const kernelSetupFiles = ["test/support/clean-run.ts", ...setupFiles];

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  test: {
    pool: "forks",
    testTimeout: TEST_PATIENCE_MS,
    hookTimeout: TEST_PATIENCE_MS,
    projects: [
      { extends: true, test: { name: "unit", include: ["{src,engine,tools,viewer}/**/*.test.ts"], setupFiles } },
      {
        extends: true,
        test: {
          name: "kernel",
          include: ["test/kernel/**/*.test.ts"],
          setupFiles: kernelSetupFiles,
        },
      },
      {
        extends: true,
        test: { name: "e2e", include: ["test/{e2e,model}/**/*.test.ts"], setupFiles: kernelSetupFiles },
      },
      {
        extends: true,
        test: { name: "faults", include: ["test/faults/**/*.test.ts"], setupFiles: kernelSetupFiles },
      },
      {
        extends: true,
        test: {
          name: "viewer",
          include: ["test/viewer/**/*.test.ts"],
          setupFiles: kernelSetupFiles,
        },
      },
      {
        extends: true,
        test: {
          name: "runtimes",
          include: ["test/runtimes/**/*.test.ts"],
          setupFiles,
        },
      },
    ],
  },
});
