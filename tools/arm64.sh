#!/usr/bin/env bash
# npm run test:arm64: the executable for arm64 attaches containers on a kernel of arm64; see tools/arm64/main.mjs.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh arm64
if [ "${BAUTA_IS_BUILT:-}" != 1 ]; then npm run --silent build -- --machine arm64 >&2; fi
exec node tools/arm64/main.mjs "$@"
