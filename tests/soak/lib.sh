# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
# lib.sh - sourced by the campaign's scripts, at the top of the tree.

release=$PWD/target/release
build=$PWD/build/soak
warnings="-O2 -g -Wall -Wextra -Wpedantic -Werror"
c="-std=gnu11 -pthread $warnings"
faults="tests/soak/faults.c tests/soak/endings.c tests/soak/campaign.c"
storm="tests/soak/storm.c tests/soak/campaign.c"
passed=0
failed=0
skipped=0
storm_clones=0
storm_pages=0
mkdir -p "$build/headers"
ln -sf libnbclone.so "$release/libnbclone.so.1"

# Seconds after which something hangs; no test depends on time otherwise.
patience=100

# For tests/soak/mutants: what passed and what failed, by name.
name() {
	[ -z "${SOAK_NAMES-}" ] || printf '%s %s\n' "$1" "$2" >>"$SOAK_NAMES"
}

# title, command: its last line, or all that went wrong.
check() {
	title=$1
	shift
	if timeout -k 5 "$patience" "$@" >"$build/log" 2>&1; then
		passed=$((passed + 1))
		name ok "$title"
		printf '  ok    %s: %s\n' "$title" "$(tail -n 1 "$build/log" | cut -c 1-120)"
	else
		failed=$((failed + 1))
		name broke "$title"
		printf '  FAILED %s\n' "$title"
		grep -v "^ *ok\|	ok$" "$build/log" | head -n 40
	fi
}

# title, command that prints "case<TAB>ok": each counts.
cases() {
	title=$1
	shift
	timeout -k 5 "$patience" "$@" >"$build/log" 2>&1
	status=$?
	ok=$(grep -c '	ok$' "$build/log")
	passed=$((passed + ok))
	[ -z "${SOAK_NAMES-}" ] || awk -F '\t' -v title="$title" '
	    NF == 2 && $2 != "-" && $2 !~ /^SKIP/ { print $2 == "ok" ? "ok" : "broke", title ": " $1 }
	    ' "$build/log" >>"$SOAK_NAMES"
	made $(sed -n 's/^\([0-9]*\) clones, \(-*[0-9]*\) pages.*/\1 \2/p' "$build/log")
	grep '	SKIP' "$build/log" | sed "s/\(.*\)	SKIP\(.*\)/SKIP $title, \1:\2/"
	skips=$(grep -c '	SKIP' "$build/log")
	skipped=$((skipped + skips))
	[ -z "${NBCLONE_NO_SKIP+set}" ] || failed=$((failed + skips))
	if [ "$status" = 0 ] && [ "$ok" != 0 ]; then
		printf '  ok    %s: %s cases\n' "$title" "$ok"
	else
		wrong=$(grep -c -v '	ok$\|	SKIP\|	-$' "$build/log")
		failed=$((failed + (wrong ? wrong : 1)))
		grep -v '	ok$\|	SKIP\|	-$' "$build/log" | sed "s/^/  FAILED $title: /"
		[ "$wrong" != 0 ] || echo "  FAILED $title: status $status"
	fi
}

made() {	# clones, pages
	storm_clones=$((storm_clones + ${1-0}))
	[ "${2-0}" -le "$storm_pages" ] || storm_pages=$2
}

has() {	# one of $parts
	case $parts in *" $1 "*) return 0 ;; esac
	return 1
}

skip() {	# what, package
	echo "SKIP $1: Debian's package $2 has it"
	skipped=$((skipped + 1))
	[ -z "${NBCLONE_NO_SKIP+set}" ] || failed=$((failed + 1))
}

have() {	# tool, package
	command -v "$1" >/dev/null && return 0
	skip "$1" "$2"
	return 1
}

must() {
	"$@" || { echo "  FAILED: $*"; exit 2; }
}

# The kernel's headers, which musl-gcc doesn't look for.
for name in linux asm-generic; do
	ln -sfn "/usr/include/$name" "$build/headers/$name"
done
ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$build/headers/asm"
musl_gcc="musl-gcc -isystem $build/headers"

# Another script of the campaign: its numbers are added to ours.
part() {
	output=$build/part.${1##*/}
	"$@" | tee "$output"
	set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' \
	    "$output" | tail -n 1)
	passed=$((passed + ${1-0}))
	failed=$((failed + ${2-1}))
	skipped=$((skipped + ${3-0}))
	made $(sed -n 's/^storms: \([0-9]*\) clones, at most \([0-9]*\) .*/\1 \2/p' "$output")
}

# The last line, for tests/check.
summary() {
	[ "$storm_clones" = 0 ] ||
		echo "storms: $storm_clones clones, at most $storm_pages pages more after them"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}
