# Completion of holdfast's command line for bash. Commands and options are those of `holdfast --help`.

_holdfast() {
    local commands="serve check config doctor reload stop upgrade unfuse status version help"
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command="" options="" i
    COMPREPLY=()

    # The first word that is neither an option nor the value of one.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -c | --config | --listen)
                i=$((i + 1))
                [[ ${COMP_WORDS[i]} == "=" ]] && i=$((i + 1))
                ;;
            -t) command=check ;;
            -*) ;;
            *)
                command=${COMP_WORDS[i]}
                break
                ;;
        esac
    done

    [[ $word == "=" ]] && word=""
    [[ $before == "=" ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
    case $before in
        -c | --config | --diff)
            if [[ $before != --diff || $word != -* ]]; then
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
                return
            fi
            ;;
        --listen)
            mapfile -t COMPREPLY < <(compgen -W "127.0.0.1:8080 0.0.0.0:8080" -- "$word")
            return
            ;;
    esac

    case $command in
        serve) options="--listen" ;;
        check) options="-q --quiet" ;;
        config) options="--schema --reference --diff" ;;
        doctor) options="-q --quiet --json" ;;
        status) options="--json --watch" ;;
        "") options="$commands -t -V --version" ;;
    esac
    if [[ $command == serve && $word != -* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$options -c --config -h --help" -- "$word")
}

complete -F _holdfast holdfast
