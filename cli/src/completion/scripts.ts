export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The completion script of a shell. It asks `enjambre __complete`, which prints a candidate a line, and last ":files",
 * ":folders" or ":none": what the shell itself adds.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# Completion of enjambre for bash: source <(enjambre completion bash)
_enjambre() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line own=none
  local -a found=()
  while IFS= read -r line; do
    if [[ $line == :* ]]; then own="\${line#:}"; else found+=("$line"); fi
  done < <(command "\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=()
  if [[ $own == files || $own == folders ]]; then COMPREPLY=("\${found[@]}"); else
    for line in "\${found[@]}"; do COMPREPLY+=("$(printf '%q' "$line")"); done
  fi
  if [[ $own == files || $own == folders ]]; then
    # It quotes what is not quoted yet.
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done \\
      < <(compgen "$([[ $own == files ]] && echo -f || echo -d)" -- "$current")
  fi
}
complete -F _enjambre enjambre
`,
  zsh: `#compdef enjambre
# Completion of enjambre for zsh: enjambre completion zsh > "\${fpath[1]}/_enjambre"
_enjambre() {
  local line own=none
  local -a found
  while IFS= read -r line; do
    if [[ $line == :* ]]; then own="\${line#:}"; else found+=("$line"); fi
  done < <(command "\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#found} )) && compadd -a found
  case $own in
    files) _files ;;
    folders) _files -/ ;;
  esac
}
if [[ "$funcstack[1]" == _enjambre ]]; then _enjambre "$@"; else compdef _enjambre enjambre; fi
`,
  fish: `# Completion of enjambre for fish: enjambre completion fish > ~/.config/fish/completions/enjambre.fish
function __enjambre_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command $words[1] __complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':folders'
                __fish_complete_directories (commandline -ct)
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c enjambre -f -a '(__enjambre_complete)'
`,
};
