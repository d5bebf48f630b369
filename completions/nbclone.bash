# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
# Completion of nbclone(1) for bash.

_nbclone()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word i
	local options="--policy --trace --trace= --report --report= --full --json --all-calls
	    --all-calls= --no-evidence --no-isolation --lib --help --version"

	COMPREPLY=()
	# Behind COMMAND its own completion goes on.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--policy | --lib)
			# The value, and an equals sign, are words of their own.
			[[ ${COMP_WORDS[i + 1]} != = ]] || ((i++))
			((i++))
			;;
		--trace | --report | --all-calls)
			[[ ${COMP_WORDS[i + 1]} != = ]] || ((i += 2))
			;;
		--)
			((i++))
			break
			;;
		-*) ;;
		*) break ;;
		esac
	done
	if ((i < COMP_CWORD)); then
		if declare -F _command_offset >/dev/null; then
			_command_offset "$i"
		elif declare -F _comp_command_offset >/dev/null; then
			_comp_command_offset "$i"
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
		fi
		return
	fi
	if [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}=
	elif [[ $current == = ]]; then
		current= previous=$previous=
	fi
	case $previous in
	--policy | --policy=)
		mapfile -t COMPREPLY < <(compgen -W "strict netbsd host" -- "$current")
		return
		;;
	--all-calls=)
		mapfile -t COMPREPLY < <(compgen -W "listener ptrace" -- "$current")
		return
		;;
	--lib | --lib= | --trace= | --report=)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		compopt -o filenames
		return
		;;
	esac
	if [[ $current == -* && ${COMP_WORDS[COMP_CWORD - 1]} != -- ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
	else
		mapfile -t COMPREPLY < <(compgen -c -- "$current")
	fi
}
complete -F _nbclone nbclone
