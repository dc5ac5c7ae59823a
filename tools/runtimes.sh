#!/usr/bin/env bash
# npm run test:runtimes [-- FILE...]: podman and containerd attach containers with the plugins that were built. They run
# in namespaces of their own, with everything that they start; nothing is installed. It is a part of npm test, too: where it
# can't run, both fail.
#   BAUTA_IS_BUILT=1 BAUTA_RESULTS=DIRECTORY bash tools/runtimes.sh    leaves its report there, and no summary
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh runtimes
fail() {
  echo "bauta: container runtimes can't run here: $*" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || fail "they need root"
[ "$(uname -m)" = x86_64 ] || fail "they are unpacked for x86-64, and this is $(uname -m)"
unshare --mount true 2>/dev/null || fail "this machine makes no namespaces; is it a container itself?"
grep -qw 'cgroup2\?' /proc/filesystems && [ -n "$(ls /sys/fs/cgroup)" ] || fail "/sys/fs/cgroup has no control groups"

if [ -z "${BAUTA_IS_BUILT:-}" ]; then
  npm run --silent build >&2
  npm run --silent build -- --machine arm64 >&2 # a part of the image
fi
BAUTA_RUNTIMES_DIR=$(node tools/runtimes/unpack.mjs)
export BAUTA_RUNTIMES_DIR
results=${BAUTA_RESULTS:-build/runtimes-results}
rm -f "$results/runtimes.json"
mkdir -p "$results"
report=(--reporter=default --reporter=json --outputFile.json="$results/runtimes.json")
status=0
# With the first process of a namespace all others in it end.
unshare --pid --fork --mount-proc --kill-child -- \
  bash test/support/run-in-namespaces.sh vitest run --project runtimes "${report[@]}" "$@" || status=$?
if [ -z "${BAUTA_RESULTS:-}" ]; then node tools/summary.mjs "$results" runtimes; else exit "$status"; fi
