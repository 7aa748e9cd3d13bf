# bash completion for stratobench: commands and options are those that its own help lists.

_stratobench() {
    local program=$1 word=$2 previous=$3 IFS=$' \t\n' words filter=
    compopt -o filenames 2>/dev/null
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$("$program" --help 2>/dev/null | sed -nE 's/^  ([a-z][a-z0-9]*) +[a-z].*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$word")
        return
    fi
    case $previous in
    --model | --backend) return ;; # a glob over what only the config knows
    --format | -f) words="markdown html json text" ;;
    --output | -o | --check | -c) filter='*' ;;
    *)
        case $word in
        -*) words=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE -e '--[a-z][a-z-]+') ;;
        *)
            case ${COMP_WORDS[1]} in
            run | check | k8s) filter='*.ini' ;;
            *) filter='*.json' ;;
            esac
            ;;
        esac
        ;;
    esac
    if [ -n "$filter" ]; then
        mapfile -t COMPREPLY < <(compgen -f -X "!$filter" -- "$word"; compgen -d -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    fi
}
complete -F _stratobench stratobench
