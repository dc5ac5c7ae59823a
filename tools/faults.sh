#!/usr/bin/env bash
# npm run test:faults [-- OPTION...]: each call of a plugin and of the command is killed before each of its system calls, and each of
# its system calls fails once with each error that it may give. --help tells the rest. npm test tries some of that, others every day.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh faults
if [ "${BAUTA_IS_BUILT:-}" != 1 ]; then npm run --silent build >&2; fi
exec node tools/faults/main.mjs "$@"
