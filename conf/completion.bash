# bash completion for b24hooks-index, -handler and -checkserver: their options and the words that these take, from --help.
_b24hooks() {
  local help words word
  help=$("$1" --help 2> /dev/null) || return
  if [[ $2 == -* ]]; then
    words=$(sed -n 's/^  \(--[a-z-]*\).*/\1/p' <<< "$help")
  else
    word=$(sed -n 's/^  \(--[a-z-]*\) \([^ ]\{1,\}\).*/\1 \2/p' <<< "$help" | sed -n "s/^${3//[^a-z-]/} //p")
    [[ $word != FILE ]] || { mapfile -t COMPREPLY < <(compgen -f -- "$2"); return; }
    words=$(tr '|[]' '\n  ' <<< "$word" | grep -E '^ *[a-z.]+ *$')
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}
complete -o filenames -F _b24hooks b24hooks-index b24hooks-handler b24hooks-checkserver
