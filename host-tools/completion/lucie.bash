# bash completion of lucie(1): verbs, options, names of nodes, files. What there is, lucie itself says: verbs in its overview, options
# and kinds of arguments in the usage of each verb, names of nodes in `lucie status`; names of other objects are those of the
# definition in force. A new verb needs nothing here. Quiet: where
# nothing can be read, nothing is proposed.

# _lucie_words LIST PREFIX: those words of the list that begin with what is typed; PREFIX was typed before it in the same word.
_lucie_words() {
	mapfile -t COMPREPLY < <(compgen -P "$2" -W "$1" -- "${COMP_WORDS[COMP_CWORD]#"$2"}")
}

_lucie_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}

# The state directory that the line names, or the usual one.
_lucie_state() {
	local i state=/var/lib/lucie
	for ((i = 2; i + 1 < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != --state ]] || state=${COMP_WORDS[i + 1]/#\~/$HOME}
	done
	echo "$state"
}

# Names of the objects of a type that the definition in force has.
_lucie_defined() {
	sed -n "/^define $1{\$/{n;s/^\t[a-z_]* //p}" "$(_lucie_state)/definition" 2>/dev/null
}

# Names of nodes, and where several may stand, of host_groups; of a list with commas the last item. $2: other words that may stand there.
_lucie_nodes() {
	local list=
	[[ ${COMP_WORDS[COMP_CWORD]} != *,* ]] || list=${COMP_WORDS[COMP_CWORD]%,*},
	_lucie_words "$("$1" status --state "$(_lucie_state)" 2>/dev/null | sed -n '2,$s/ .*//p') $2" "$list"
}

_lucie() {
	local verb=${COMP_WORDS[1]} usage kind words
	COMPREPLY=()
	if [[ ${1##*/} == lucie-* ]]; then # lucie-setup is lucie setup
		verb=${1##*/lucie-} verb=${verb#lucie-}
		COMP_WORDS=(lucie "$verb" "${COMP_WORDS[@]:1}")
		COMP_CWORD=$((COMP_CWORD + 1))
		set -- "${1%"-$verb"}"
	fi
	if ((COMP_CWORD == 1)); then
		_lucie_words "$("$1" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')" ""
		return
	fi
	usage=$("$1" "$verb" --help 2>/dev/null) || return
	if [[ ${COMP_WORDS[COMP_CWORD]} == -* ]]; then
		_lucie_words "$(grep -oE -- '(^|[^[:alnum:]-])--[a-z][a-z-]*' <<<"$usage" | sed 's/^[^-]//' | sort -u)" ""
		return
	fi
	# What it is to do: lucie base build.
	words=$(sed -nE "s/^( *|usage: )lucie $verb ([a-z]+) .*/\2/p" <<<"$usage")
	if [[ $words ]] && ((COMP_CWORD == 2)); then
		_lucie_words "$words" ""
		return
	fi
	# What an option takes is the word in capitals after it.
	kind=$(grep -oE -- "(^|[^[:alnum:]-])${COMP_WORDS[COMP_CWORD - 1]} [A-Z]+" <<<"$usage" | sed -n '1s/.* //p')
	[[ ${COMP_WORDS[COMP_CWORD - 1]} == --* ]] || kind=
	case $kind in
	DIR) _lucie_files -d ;;
	FILE) _lucie_files -f ;;
	INSTALLER) _lucie_words "$(_lucie_defined installer)" "" ;;
	FRAGMENT) _lucie_words "$(ls "$(_lucie_state)/fragments" 2>/dev/null)" "" ;;
	?*) ;;
	*)
		if [[ ${usage%%$'\n'*} == *NODE* ]]; then
			words=$(sed -n 's/^  ACTION *//p' <<<"$usage")
			[[ ${usage%%$'\n'*} != *NODE...* ]] || words+=" $(_lucie_defined host_group)"
			_lucie_nodes "$1" "$words"
		else
			_lucie_files -f
		fi
		;;
	esac
}

complete -F _lucie lucie lucie-setup
