# Completes cellos-export-s3 in bash: source <(cellos-export-s3 completion bash)
_cellos_export_s3() {
  local words=() rest=${COMP_LINE:0:COMP_POINT} index word blanks current last prefix line
  # bash splits words at '=' and ':' as well. What no blank separates is one word here.
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    blanks=${rest%%[![:blank:]]*}
    rest=${rest#"$blanks"}
    if [[ $index -eq 0 || -n $blanks ]]; then
      words+=("$word")
    else
      words[${#words[@]} - 1]+=$word
    fi
    rest=${rest#"$word"}
  done
  current=${words[${#words[@]} - 1]}
  # bash replaces the last of its own words only.
  last=${COMP_WORDS[COMP_CWORD]}
  [[ $last != [=:] ]] || last=
  prefix=${current%"$last"}
  for index in "${!words[@]}"; do
    words[index]=${words[index]//[\\\"\']/}
    words[index]=${words[index]/#\~\//$HOME/}
  done
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files | :folders)
        compopt -o filenames 2>/dev/null || true
        while IFS= read -r word; do COMPREPLY+=("$word"); done \
          < <([[ $line == :files ]] && compgen -f -- "$last" || compgen -d -- "$last")
        ;;
      *)
        line=${line%%$'\t'*}
        COMPREPLY+=("$(printf %q "${line#"$prefix"}")")
        ;;
    esac
  done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _cellos_export_s3 cellos-export-s3
