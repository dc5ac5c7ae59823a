#!/usr/bin/env bash
# npm run bench [-- SECTION... --quick]: containernetworking/plugins' executables, netavark and ours in turn, on one kernel, in
# namespaces of their own; writes docs/benchmarks/. Sections: floor operations flows suite interfaces published netavark memory
# bandwidth; all of them take forty minutes.
# npm run bench -- --compare REV [--rounds N]: another revision of ours beside this one; writes no file.
# npm run bench -- --report: writes the pages again from the figures that are recorded in docs/benchmarks/results.json.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh bench
npm run --silent build >&2
mkdir -p build/bench
for source in tools/bench/c/*.c; do
  gcc -O2 -Wall -Wextra -Werror -o "build/bench/$(basename "$source" .c)" "$source"
done
node tools/bench/empty.mjs build/bench/empty
case " $* " in
  *" --compare"*) BAUTA_COMPARED=$(bash tools/bench/other-revision.sh "$@") ;;
esac
BAUTA_PEER_DIR=$(bash tools/peer-plugins.sh)
BAUTA_NETAVARK_DIR=$(node tools/netavark.mjs)
export BAUTA_PEER_DIR BAUTA_NETAVARK_DIR BAUTA_COMPARED
exec bash test/support/run-in-namespaces.sh node tools/bench/main.mjs "$@"
