# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for secmapctl
# shellcheck shell=bash disable=SC2207

_secmapctl_objects='run notify learn attach detach policy prog table task stats explain monitor bench feature version'
_secmapctl_common='--help --json --pretty --device'
_secmapctl_scenarios='plain_allow podman_allow podman_argument podman_denied podman_unknown deny_list
    set_first set_last set_mean set_absent bits_mean stack_plain stack_argument stack_denied fork_exit thread attach
    attach_create attach_made replace replace_set replace_stall replace_stall_set
    build_table notify'
_secmapctl_reading='--name --unknown --overlap --widths --cap'

# The options of a command: "run", "policy check" ...
_secmapctl_options() {
    case $1 in
        run) echo "--profile --cbpf --prog --map --engine $_secmapctl_reading --no-nnp --adopt --after --upon --complain
            --why --output" ;;
        notify) echo "--on --profile $_secmapctl_reading --answer --helper --timeout --output" ;;
        learn) echo "--output --base --merge --args --pid --cgroup --unit --follow --every --seconds --progress --no-nnp" ;;
        attach) echo "--pid --cgroup --unit --profile --policy --after --upon --thread --complain --follow --every --engine
            $_secmapctl_reading" ;;
        detach) echo "--pid --cgroup --unit --policy" ;;
        'policy check') echo "$_secmapctl_reading" ;;
        'policy compile') echo "$_secmapctl_reading --output" ;;
        'policy diff') echo "${_secmapctl_reading#--name }" ;;
        'policy tighten') echo "--profile --from $_secmapctl_reading" ;;
        'policy replace') echo "--profile --cbpf --prog --map --engine $_secmapctl_reading" ;;
        'prog check') echo "--cbpf --map" ;;
        'prog load') echo "--cbpf --map --name --pid" ;;
        'prog dump') echo "--cbpf --map --policy --output" ;;
        'prog test') echo "--cbpf --map --call --abi --arg" ;;
        'table update') echo "--add --remove --from --whole" ;;
        explain) echo "--profile --policy --pid --thread --call --abi --arg $_secmapctl_reading" ;;
        monitor) echo '--pid --policy --verdict --count' ;;
        stats | 'stats show') echo '--watch --count --prometheus --output' ;;
        bench) echo "--scenario --engine --rounds --calls --cpu --profile --html --output --instructions" ;;
        '') echo "--version" ;;
    esac
}

# The commands of an object.
_secmapctl_commands() {
    case $1 in
        '') echo "$_secmapctl_objects" ;;
        policy) echo "list show check compile diff replace tighten seal" ;;
        prog) echo "check load dump test" ;;
        table) echo "list show update seal" ;;
        task) echo "list show" ;;
        stats) echo "on off show" ;;
    esac
}

# What may follow an option of a command; fails where the option takes no value.
_secmapctl_value() {
    case $3$1 in
        bench--scenario) COMPREPLY=($(compgen -W "$_secmapctl_scenarios" -- "$2")); return ;;
        bench--engine) COMPREPLY=($(compgen -W 'none stock stock_tree maps ebpf cbpf' -- "$2")); return ;;
    esac
    case $1 in
        --helper) COMPREPLY=($(compgen -c -f -- "$2")) ;;
        --profile | --from | --cbpf | --prog | --output | --base | --merge | --html | --device)
            COMPREPLY=($(compgen -f -- "$2")) ;;
        --unknown) COMPREPLY=($(compgen -W 'default enosys' -- "$2")) ;;
        --verdict) COMPREPLY=($(compgen -W 'errno kill trap log trace user-notif' -- "$2")) ;;
        --engine) COMPREPLY=($(compgen -W 'maps ebpf cbpf' -- "$2")) ;;
        --widths) COMPREPLY=($(compgen -W 'libseccomp kernel' -- "$2")) ;;
        --overlap) COMPREPLY=($(compgen -W 'libseccomp refuse' -- "$2")) ;;
        --abi) COMPREPLY=($(compgen -W 'x86_64 x32 i386' -- "$2")) ;;
        --cap) COMPREPLY=($(compgen -W 'none all' -- "$2")) ;;
        --pid | --thread) COMPREPLY=($(compgen -W "$(ps -A -o pid= 2>/dev/null)" -- "$2")) ;;
        --cgroup) COMPREPLY=($(compgen -d -- "$2")) ;;
        --unit) COMPREPLY=($(compgen -W "$(systemctl list-units --plain --no-legend 2>/dev/null | cut -d ' ' -f 1)" -- "$2")) ;;
        --add | --remove | --policy | --name | --call | --arg | --map | --on | --answer | --timeout | --args | --seconds | --every | --progress | --scenario | \
            --rounds | --calls | --cpu | --count | --watch)
            COMPREPLY=() ;;
        *) return 1 ;;
    esac
}

# Completes the command line in COMP_WORDS.
_secmapctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local index word command='' skip=''
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        if [[ $word == -- ]]; then
            _command_offset $((index + 1)) 2>/dev/null || COMPREPLY=($(compgen -c -f -- "$current"))
            return
        fi
        [[ $skip ]] && { skip=''; continue; }
        if [[ $word == -* ]]; then
            _secmapctl_value "$word" '' "$command" && skip=yes
            COMPREPLY=()
        elif [[ " $(_secmapctl_commands "$command") " == *" $word "* ]]; then
            command=${command:+$command }$word
        fi
    done
    [[ $skip ]] && { _secmapctl_value "$previous" "$current" "$command"; return; }
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$(_secmapctl_options "$command") $_secmapctl_common" -- "$current"))
        return
    fi
    case $command in
        'policy check' | 'policy compile' | 'policy diff' | 'prog check' | 'prog load' | 'prog dump' | 'prog test')
            COMPREPLY=($(compgen -f -- "$current")) ;;
        'task show') COMPREPLY=($(compgen -W "$(ps -A -o pid= 2>/dev/null)" -- "$current")) ;;
        *) COMPREPLY=($(compgen -W "$(_secmapctl_commands "$command")" -- "$current")) ;;
    esac
}

complete -o filenames -F _secmapctl secmapctl
