#!/usr/bin/env bash
# other-revision.sh … --compare REV …: builds that revision under build/compare/, with the compilers' cache of this one, and
# prints the directory of its plugins. A plain copy of the files, so that no clone remembers it.
. "$(dirname "$0")/../strict.sh"
cd "$(dirname "$0")/../.."
revision=
while [ $# -gt 0 ]; do
  case $1 in
    --compare) revision=${2-} ;;
    --compare=*) revision=${1#*=} ;;
  esac
  shift
done
if ! commit=$(git rev-parse --quiet --verify "$revision^{commit}"); then
  echo "bauta: --compare takes a revision of this repository, not '$revision'" >&2
  exit 1
fi

directory=$PWD/build/compare/${commit:0:12}
if [ ! -x "$directory/dist/bauta" ]; then
  rm -rf "$directory"
  mkdir -p "$directory/build"
  git archive "$commit" | tar -x -C "$directory"
  for cache in glibc musl; do
    mkdir -p "build/$cache"
    ln -s "$PWD/build/$cache" "$directory/build/$cache"
  done
  if cmp -s package-lock.json "$directory/package-lock.json"; then
    ln -s "$PWD/node_modules" "$directory/node_modules"
  else
    (cd "$directory" && npm ci --no-audit --no-fund >&2)
  fi
  quickjs=$(find "$PWD/build" -maxdepth 1 -name 'quickjs-*' | head -1)
  (cd "$directory" && BAUTA_QUICKJS=${BAUTA_QUICKJS:-$quickjs} npm run --silent build >&2)
fi
echo "$directory/dist/cni"
