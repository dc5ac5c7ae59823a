#!/usr/bin/env bash
# npm run demo: sets up what it needs, builds, and shows the main job on real traffic, inside namespaces of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
bash tools/setup.sh demo
npm run --silent build >&2
export PATH=$PATH:/usr/sbin:/sbin
exec bash test/support/run-in-namespaces.sh node tools/demo/demo.mjs
