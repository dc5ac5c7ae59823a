#!/usr/bin/env bash
# npm run serve [-- OPTION...]: builds the executable and the viewer, and shows this machine in a browser (as root).
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh serve
npm run --silent build >&2
exec node tools/serve/main.mjs "$@"
