#!/usr/bin/env bash
# npm run test:viewer: the viewer's page in a browser, Debian's Chromium, with the executable in namespaces of its own. It leaves
# the pictures of docs/viewer in build/viewer. It is no part of npm test: Chromium takes 300 MB.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh viewer
npm run --silent build
node viewer/build.mjs
exec bash test/support/run-in-namespaces.sh vitest run --project viewer "$@"
