# completions.zsh SCRIPT LINE...: what an interactive zsh lists for each of these lines, once it has read the script.
zmodload zsh/zpty
zpty shell "TERM=dumb zsh -f -i"
zpty -w shell "PS1= RPS1=; autoload -Uz compinit; compinit -u -D; source $1; stty -echo"
zpty -w shell 'look() { print "\nbegin"; zle list-choices; zle -R; print "\nend"; zle kill-whole-line }; zle -N look; bindkey "^X" look; print rea"dy"'
zpty -r -m shell said $'*ready*'
shift
for line in "$@"; do
  zpty -w -n shell "$line"$'\C-X'
  zpty -r -m shell said $'*\nend*'
  print -r -- "$said"
done
zpty -d shell
