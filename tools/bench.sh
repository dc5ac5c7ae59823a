#!/usr/bin/env bash
# npm run bench [-- SECTION... --quick]: containernetworking/plugins' executables and ours in turn, on one kernel, in
# namespaces of their own; writes docs/benchmarks/. Sections: floor operations host-local flows concurrency memory; all of
# them take a quarter of an hour. npm run bench -- --compare REV [--rounds N]: another revision of ours beside this one.
# npm run bench -- --options [--quick]: all of ipMasqOptions on, and very many attachments; writes options.md there.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh bench
npm run --silent build >&2
mkdir -p build/bench
for source in tools/bench/c/*.c; do
  gcc -O2 -Wall -Wextra -Werror -pthread -o "build/bench/$(basename "$source" .c)" "$source"
done
node tools/bench/empty.mjs build/bench/empty
case " $* " in
  *" --compare"*)
    BAUTA_COMPARED=$(bash tools/bench/other-revision.sh "$@")
    export BAUTA_COMPARED
    exec bash test/support/run-in-namespaces.sh node tools/bench/compare.mjs "$@"
    ;;
  *" --options "*) exec bash test/support/run-in-namespaces.sh node tools/bench/options.mjs "$@" ;;
esac
BAUTA_PEER_DIR=$(bash tools/peer-plugins.sh)
export BAUTA_PEER_DIR
exec bash test/support/run-in-namespaces.sh node tools/bench/bench.mjs "$@"
