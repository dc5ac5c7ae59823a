#!/usr/bin/env bash
# npm run bench [-- --quick]: containernetworking/plugins' executables and ours in turn, on one kernel, in namespaces of
# their own; writes docs/benchmarks/.
set -euo pipefail
cd "$(dirname "$0")/.."
bash tools/setup.sh bench
npm run --silent build >&2
mkdir -p build/bench
for program in measure flows; do
  gcc -O2 -Wall -Werror -o "build/bench/$program" "tools/bench/$program.c"
done
BAUTA_PEER_DIR=$(bash tools/peer-plugins.sh)
export BAUTA_PEER_DIR PATH=$PATH:/usr/sbin:/sbin
exec bash test/support/run-in-namespaces.sh node tools/bench/bench.mjs "$@"
