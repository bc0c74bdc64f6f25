"""The scripts that teach bash, zsh and fish to ask `PROGRAM __complete`.

They are generic: what a command takes is answered by the program, so they never grow old. What
stands on the command line is handed over as it was typed, and never evaluated.
"""

from __future__ import annotations

# bash takes `:` and `=` for ends of words; what stands before the last of them is not to be
# repeated. Explanations are shown in lists only: a word that is inserted must not have one.
BASH = r"""# bash completion for PROGRAM                                -*- shell-script -*-

_PROGRAM_complete()
{
    local cur="${COMP_WORDS[COMP_CWORD]}" cword=$COMP_CWORD line word about width=0
    local directive=0 prefix="" program="${COMP_WORDS[0]/#~\//$HOME/}"
    local -a words=("${COMP_WORDS[@]}") found=() shown=()
    if declare -F _get_comp_words_by_ref > /dev/null; then
        _get_comp_words_by_ref -n "=:" cur words cword
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        found+=("$line")
    done < <("$program" COMMAND "${words[@]:1:cword-1}" "$cur" 2> /dev/null)
    ((${#found[@]})) || return 0
    directive="${found[-1]#:}"
    unset "found[-1]"
    [[ $directive =~ ^[0-9]+$ ]] || return 0
    ((directive & 1)) && return 0
    ((directive & 2)) && compopt -o nospace 2> /dev/null
    if [[ $cur == --*=* ]]; then
        prefix="${cur%%=*}="
        cur="${cur#*=}"
    fi
    if [[ $COMP_WORDBREAKS == *[:=]* && $cur == *[:=]* ]]; then
        prefix="${cur%"${cur##*[:=]}"}"
    else
        prefix=""
    fi
    for line in "${found[@]}"; do
        word="${line%%$'\t'*}"
        ((${#word} > width)) && width=${#word}
    done
    for line in "${found[@]}"; do
        word="${line%%$'\t'*}"
        about="${line#*$'\t'}"
        word="${word#"$prefix"}"
        if [[ $COMP_TYPE == 63 && $line == *$'\t'* && ${#found[@]} -gt 1 ]]; then
            printf -v word '%-*s  (%s)' "$width" "$word" "$about"
            word="${word:0:${COLUMNS:-80}}"
        fi
        COMPREPLY+=("$word")
    done
    if ((${#COMPREPLY[@]} == 0)); then
        if ((directive & 16)); then
            compopt -o dirnames 2> /dev/null
        elif ! ((directive & 4)); then
            compopt -o default 2> /dev/null
        fi
    fi
    return 0
}

complete -F _PROGRAM_complete PROGRAM
"""

ZSH = r"""#compdef PROGRAM
# zsh completion for PROGRAM

_PROGRAM() {
    local line directive
    local -a lines items space
    lines=("${(@f)$("${(Q)words[1]}" COMMAND "${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
    directive=${lines[-1]#:}
    lines[-1]=()
    [[ $directive == <-> ]] || return 1
    ((directive & 1)) && return 1
    ((directive & 2)) && space=(-S '')
    [[ ${words[CURRENT]} == --*=* ]] && compset -P '*='
    for line in "${lines[@]}"; do
        [[ -n $line ]] || continue
        if [[ $line == *$'\t'* ]]; then
            items+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        else
            items+=("${line//:/\\:}")
        fi
    done
    (($#items)) && _describe -t PROGRAM 'PROGRAM' items "${space[@]}" && return 0
    if ((directive & 16)); then
        _path_files -/
    elif ! ((directive & 4)); then
        _files
    else
        return 1
    fi
}

if [[ ${funcstack[1]} == _PROGRAM ]]; then
    _PROGRAM "$@"
else
    compdef _PROGRAM PROGRAM
fi
"""

# Each Tab asks twice, for words and for whether files make sense; the second time, whichever it is,
# gets what the first was told.
FISH = r"""# fish completion for PROGRAM

function __PROGRAM_ask --description 'Ask PROGRAM what can stand here'
    set -l line (commandline -cp)
    if set -q __PROGRAM_line; and test "$__PROGRAM_line" = "$line"
        set -e __PROGRAM_line
        return
    end
    set -g __PROGRAM_line $line
    set -g __PROGRAM_found
    set -g __PROGRAM_files no
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($tokens[1] COMMAND $tokens[2..-1] "$current" 2>/dev/null)
    test (count $lines) -gt 0; or return
    set -l directive (string replace -r '^:' '' -- $lines[-1])
    string match -qr '^[0-9]+$' -- $directive; or return
    test (math "$directive % 2") -eq 0; or return
    set -e lines[-1]
    set -l prefix (string match -r -- '^--[^=]*=' $current)
    for line in $lines
        set -ga __PROGRAM_found "$prefix$line"
    end
    if test (count $lines) -eq 0; and test (math "floor($directive / 4) % 2") -eq 0
        set -g __PROGRAM_files yes
    end
end

function __PROGRAM_has_words
    __PROGRAM_ask
    test (count $__PROGRAM_found) -gt 0
end

function __PROGRAM_wants_files
    __PROGRAM_ask
    test "$__PROGRAM_files" = yes
end

complete -c PROGRAM -e
complete -c PROGRAM -f
complete -c PROGRAM -n __PROGRAM_has_words -a '$__PROGRAM_found'
complete -c PROGRAM -n __PROGRAM_wants_files -F
"""

SHELLS = {"bash": BASH, "fish": FISH, "zsh": ZSH}


def script(shell: str, program: str, *, explained: bool = True) -> str:
    """Return the script of a shell for the program that is called `program`."""
    command = "__complete" if explained else "__completeNoDesc"
    return SHELLS[shell].replace("COMMAND", command).replace("PROGRAM", program)
