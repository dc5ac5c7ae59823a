#!/usr/bin/env bash
# Prints the directory of containernetworking/plugins' own executables; see peer-plugins.mjs.
set -euo pipefail
exec node "$(dirname "$0")/peer-plugins.mjs"
