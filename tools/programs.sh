# shellcheck shell=bash
# Sourced: reads a table of programs (programs.txt), and makes a directory for PATH that has nothing else in it.

# rows TABLE KIND: the kind's rows, and those of the kinds that it includes, as "name package"
rows() {
  local name package section=
  while read -r name package; do
    case $name in
      '' | '#'*) ;;
      *:)
        section=${name%:}
        if [ "$section" = "$2" ] && [ -n "$package" ]; then rows "$1" "$package"; fi
        ;;
      *) if [ "$section" = "$2" ]; then echo "$name $package"; fi ;;
    esac
  done <"$1"
}

# place NAME|NAME… DIRECTORY: links those of the programs that the machine has into the directory; fails where it has none.
# An absolute name is that of a file, which only has to be there.
place() {
  local name path status=1
  for name in ${1//|/ }; do
    case $name in
      /*) if [ -e "$name" ]; then status=0; fi ;;
      *)
        if path=$(type -P "$name"); then
          # A link that is right stays, for others may be at work with it.
          [ "$2/$name" -ef "$path" ] || ln -sf "$path" "$2/$name"
          status=0
        fi
        ;;
    esac
  done
  return $status
}

# make_path TABLE KIND DIRECTORY: fills the directory, removes from it what the table does not have, and prints the packages
# of what the machine lacks.
make_path() {
  local name package link table
  mkdir -p "$3"
  table=$(rows "$1" "$2")
  for link in "$3"/*; do
    name=${link##*/}
    grep -qE "^([^ ]*\|)?${name//./\\.}(\||\ )" <<<"$table" || rm -f "$link"
  done
  while read -r name package; do
    place "$name" "$3" || echo "$package"
  done <<<"$table" | sort -u
}
