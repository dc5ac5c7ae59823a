#!/usr/bin/env bash
# npm test: sets up what it needs, builds, checks, and runs all tests. Kernel and end-to-end tests run in namespaces of
# their own; what they are told is required is never skipped.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh test
results=build/test-results
rm -rf "$results"
mkdir -p "$results"
BAUTA_PEER_DIR=$(bash tools/peer-plugins.sh)
export BAUTA_PEER_DIR
node tools/firewalld.mjs >/dev/null

biome check .
tsc --noEmit
tsc --noEmit -p tsconfig.test.json
tsc --noEmit -p tsconfig.viewer.json
knip
node viewer/build.mjs
npm run --silent build
npm run --silent build -- --libc glibc
npm run --silent build -- --machine arm64

status=0
failed() {
  echo "bauta: $1 ended with status $?" >&2
  status=1
}
run() { # project, then the command in front of vitest
  local project=$1
  shift
  "$@" vitest run --project "$project" --reporter=default --reporter=json --outputFile.json="$results/$project.json"
}
run unit || failed "vitest of unit"
# Vitest leaves one of two processors free, and each project has namespaces of its own: so both run at the same time.
(run kernel exec bash test/support/run-in-namespaces.sh) >"$results/kernel.log" 2>&1 &
kernel=$!
trap 'kill "$kernel" 2>/dev/null || true' EXIT
run e2e bash test/support/run-in-namespaces.sh || failed "vitest of e2e"
wait "$kernel" || failed "vitest of kernel"
trap - EXIT
cat "$results/kernel.log"
BAUTA_IS_BUILT=1 BAUTA_RESULTS=$results bash tools/runtimes.sh || failed "tools/runtimes.sh"
# On another kernel than this machine's, one that has VLANs; all of them: npm run test:kernels
BAUTA_IS_BUILT=1 bash tools/kernels.sh --essential --report "$results/kernels.json" bookworm || failed "tools/kernels.sh"
node tools/summary.mjs "$results" unit kernel e2e runtimes kernels || status=1
exit $status
