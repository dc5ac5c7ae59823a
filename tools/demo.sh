#!/usr/bin/env bash
# npm run demo: sets up what it needs, builds, and shows the main job on real traffic, inside namespaces of its own.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh demo
npm run --silent build >&2
exec bash test/support/run-in-namespaces.sh node tools/demo/main.mjs
