#!/usr/bin/env bash
# npm run package [-- --output DIRECTORY]: makes the packages of this release; see tools/package/main.mjs. With BAUTA_IS_BUILT=1
# they have the executable that is there already.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh package
if [ -z "${BAUTA_IS_BUILT:-}" ]; then npm run --silent build >&2; fi
# When the sources were committed: the same in every clone.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
exec node tools/package/main.mjs "$@"
