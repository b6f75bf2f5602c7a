# bash completion of lucie(1): verbs, options, names of nodes, files. What there is, lucie itself says: verbs in its overview, options
# and kinds of arguments in the usage of each verb, names of nodes in `lucie status`. A new verb needs nothing here. Quiet: where
# nothing can be read, nothing is proposed.

# _lucie_words LIST PREFIX: those words of the list that begin with what is typed; PREFIX was typed before it in the same word.
_lucie_words() {
	mapfile -t COMPREPLY < <(compgen -P "$2" -W "$1" -- "${COMP_WORDS[COMP_CWORD]#"$2"}")
}

_lucie_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}

# Names of nodes; of a list with commas the last item. $2: other words that may stand there.
_lucie_nodes() {
	local state=() i list=
	for ((i = 2; i + 1 < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != --state ]] || state=(--state "${COMP_WORDS[i + 1]/#\~/$HOME}")
	done
	[[ ${COMP_WORDS[COMP_CWORD]} != *,* ]] || list=${COMP_WORDS[COMP_CWORD]%,*},
	_lucie_words "$("$1" status "${state[@]}" 2>/dev/null | sed -n '2,$s/ .*//p') $2" "$list"
}

_lucie() {
	local verb=${COMP_WORDS[1]} usage kind
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_lucie_words "$("$1" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')" ""
		return
	fi
	usage=$("$1" "$verb" --help 2>/dev/null) || return
	if [[ ${COMP_WORDS[COMP_CWORD]} == -* ]]; then
		_lucie_words "$(grep -oE -- '(^|[^[:alnum:]-])--[a-z][a-z-]*' <<<"$usage" | sed 's/^[^-]//' | sort -u)" ""
		return
	fi
	# What an option takes is the word in capitals after it.
	kind=$(grep -oE -- "(^|[^[:alnum:]-])${COMP_WORDS[COMP_CWORD - 1]} [A-Z]+" <<<"$usage" | sed -n '1s/.* //p')
	[[ ${COMP_WORDS[COMP_CWORD - 1]} == --* ]] || kind=
	case $kind in
	DIR) _lucie_files -d ;;
	FILE) _lucie_files -f ;;
	?*) ;;
	*)
		if [[ ${usage%%$'\n'*} == *NODE* ]]; then
			_lucie_nodes "$1" "$(sed -n 's/^  ACTION *//p' <<<"$usage")"
		else
			_lucie_files -f
		fi
		;;
	esac
}

complete -F _lucie lucie
