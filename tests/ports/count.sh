# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
# What the recipes share. Sourced before each step.
# shellcheck shell=sh
CC=${CC:-gcc} CXX=${CXX:-g++}
passed=0 failed=0 skipped=0

# ran NAME COMMAND...: one of a port's own tests; 4 and 77 are skips.
ran() {
	name=$1
	shift
	status=0
	case $(command -v "$1") in
	*/*) timeout 300 "$@" || status=$? ;;
	*) ("$@") || status=$? ;;	# a function of the recipe's
	esac
	case $status in
	0) passed=$((passed + 1)) ;;
	4 | 77) skipped=$((skipped + 1)); echo "skipped: $name" ;;
	*) failed=$((failed + 1)); printf '\nfailed: %s, status %s\n' "$name" "$status" ;;
	esac
}

# Ends a check: what `ran` counted.
counted() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}
