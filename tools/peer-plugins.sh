#!/usr/bin/env bash
# Prints the directory of containernetworking/plugins' own executables; see peer-plugins.mjs.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
exec node tools/peer-plugins.mjs
