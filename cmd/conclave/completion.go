package main

import "io"

type completion struct {
	homeless
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says how the script comes into a shell.
func (completion) Help() string {
	return `In bash, for this user: conclave completion bash >~/.local/share/bash-completion/completions/conclave

In zsh, to a folder of fpath: conclave completion zsh >_conclave

In fish: conclave completion fish >~/.config/fish/completions/conclave.fish`
}

// Run shows the script.
func (cmd completion) Run(c *console) error {
	_, err := io.WriteString(c.out.Exact(), map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[cmd.Shell])
	return err
}

// The scripts know no commands: conclave complete tells them four lines (what kind of
// word is begun, what of a file's name is there, what stands before that, and the usual
// endings of such files), and then the words, each with its meaning after a tab.
const (
	bashCompletion = `# Completion of conclave for bash.
# shellcheck shell=bash

_conclave() {
    local line kind stem strip endings ending word
    line=$(LC_ALL=C && printf %s "${COMP_LINE:0:COMP_POINT}") # COMP_POINT counts bytes
    COMPREPLY=()
    {
        read -r kind
        IFS= read -r stem
        IFS= read -r strip
        read -r endings
        while IFS=$'\t' read -r word _; do
            COMPREPLY+=("$word")
        done
    } < <("$1" complete bash -- "$line" 2>/dev/null)
    case $kind in
    parts)
        compopt -o nospace
        ;;
    files)
        for ending in $endings; do
            _conclave_add "$strip" -X "!*.$ending" -f -- "$stem"
        done
        if ((${#COMPREPLY[@]} == 0)); then
            _conclave_add "$strip" -f -- "$stem"
        else
            _conclave_add "$strip" -d -- "$stem"
        fi
        ;;
    folders)
        _conclave_add "$strip" -d -- "$stem"
        ;;
    esac
    [[ $kind != f* ]] || compopt -o filenames # which quotes them
}

_conclave_add() {
    local strip=$1 word
    shift
    while IFS= read -r word; do
        COMPREPLY+=("${word#"$strip"}")
    done < <(compgen "$@")
}

complete -F _conclave conclave
`
	zshCompletion = `#compdef conclave
# Completion of conclave for zsh.

_conclave() {
    local kind stem kept endings line
    local -a begun answer list
    begun=("${(@Q)words[2,CURRENT]}")
    begun[-1]=${(Q)PREFIX}
    answer=("${(@f)$("${(Q)words[1]}" complete words -- "${(@)begun}" 2>/dev/null)}")
    kind=$answer[1] stem=$answer[2] kept=$answer[3] endings=$answer[4]
    case $kind in
    (files|folders)
        compset -P "${(b)kept}"
        if [[ $kind = folders ]]; then
            _files -/
        elif [[ -n $endings ]]; then
            _files -g "*.(${endings// /|}|)" # the last | keeps it from being a qualifier
        else
            _files
        fi
        ;;
    (*)
        for line in "${(@)answer[5,-1]}"; do
            [[ -n $line ]] && list+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        done
        if [[ $kind = parts ]]; then
            _describe -V conclave list -S ''
        else
            _describe -V conclave list
        fi
        ;;
    esac
}

if [[ $funcstack[1] = _conclave ]]; then
    _conclave "$@"
else
    compdef _conclave conclave
fi
`
	fishCompletion = `# Completion of conclave for fish.

function __conclave_complete
    set -l words (commandline -opc)
    set -l begun (commandline -ct | string unescape)
    set -l answer ($words[1] complete words -- $words[2..] "$begun" 2>/dev/null)
    switch "$answer[1]"
        case folders
            printf "%s\n" $answer[3](__fish_complete_directories "$answer[2]" "")
        case files
            set -l found (__fish_complete_path "$answer[2]" "")
            set -l endings (string split -n " " -- $answer[4] | string join "|")
            set -l usual (string match -r "^[^\t]*\.(?:$endings)(?:\t.*)?\$" -- $found)
            if test -n "$endings" -a -n "$usual"
                set found (string match -r "^[^\t]*/(?:\t.*)?\$" -- $found) $usual
            end
            printf "%s\n" $answer[3]$found
        case "*"
            printf "%s\n" $answer[5..]
    end
end

complete -c conclave -f -a "(__conclave_complete)"
`
)
