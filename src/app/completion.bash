# bash completion for stratobench: the program itself says which words fit, from its own tables.

_stratobench() {
    local word=$2 line words=() filters=() IFS=$' \t\n'
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do
        case $line in
        '*'*) filters+=("$line") ;;
        *) words+=("$line") ;;
        esac
    done < <("$1" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    mapfile -t COMPREPLY < <(
        compgen -W "${words[*]}" -- "$word"
        for line in "${filters[@]}"; do
            compgen -f -X "!$line" -- "$word"
            compgen -d -- "$word"
        done
    )
}
complete -F _stratobench stratobench
