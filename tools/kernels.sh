#!/usr/bin/env bash
# npm run test:kernels [-- SUITE...]: tests inside virtual machines with Debian's kernels. --help tells the rest.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh kernels
if [ "${BAUTA_IS_BUILT:-}" != 1 ]; then npm run --silent build >&2; fi # npm test has just done it
exec node tools/kernels/main.mjs "$@"
