# shellcheck shell=bash
# Sourced by every script, first: the script ends at the first command that fails, also in a function, a substitution or
# in the middle of a pipeline, and says which command that was and where it stands.
set -Eeuo pipefail
trap 'printf "bauta: %s, line %s: \"%s\" ended with status %s\n" "${BASH_SOURCE[0]:-$0}" "$LINENO" "$BASH_COMMAND" "$?" >&2' ERR
