#compdef cellos-export-s3
# Completes cellos-export-s3 in zsh: source <(cellos-export-s3 completion zsh), after compinit
_cellos-export-s3() {
  local line word
  local -a given described
  given=("${(@Q)words[2,CURRENT]}")
  given[-1]=${(Q)PREFIX}
  for line in "${(@f)$("${(Q)words[1]}" complete -- "${given[@]}" 2>/dev/null)}"; do
    case $line in
      :files) compset -P '--*='; _files ;;
      :folders) compset -P '--*='; _files -/ ;;
      ?*)
        word=${line%%$'\t'*}
        described+=("${word//:/\\:}${${line#"$word"}/$'\t'/:}")
        ;;
    esac
  done
  (( $#described == 0 )) || _describe -t values cellos-export-s3 described
}
if [[ $funcstack[1] == _cellos-export-s3 ]]; then
  _cellos-export-s3 "$@"
else
  compdef _cellos-export-s3 cellos-export-s3
fi
