#!/usr/bin/env bash
# npm run package [-- --output DIRECTORY]: makes the packages of this release; see tools/package/main.mjs. With BAUTA_IS_BUILT=1
# they have the executables that are there already.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh package
if [ -z "${BAUTA_IS_BUILT:-}" ]; then
  for machine in x64 arm64; do npm run --silent build -- --machine "$machine" >&2; done
fi
# When the sources were committed: the same in every clone.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
exec node tools/package/main.mjs "$@"
