# lib.sh - sourced by the campaign's scripts, at the top of the tree.

release=$PWD/target/release
build=$PWD/build/soak
warnings="-O2 -g -Wall -Wextra -Wpedantic -Werror"
c="-std=gnu11 -pthread $warnings"
passed=0
failed=0
skipped=0
mkdir -p "$build/headers"
ln -sf libnbclone.so "$release/libnbclone.so.1"

# Seconds after which something hangs; no test depends on time otherwise.
patience=100

# title, command: its last line, or all that went wrong.
check() {
	title=$1
	shift
	if timeout -k 5 "$patience" "$@" >"$build/log" 2>&1; then
		passed=$((passed + 1))
		printf '  ok    %s: %s\n' "$title" "$(tail -n 1 "$build/log" | cut -c 1-120)"
	else
		failed=$((failed + 1))
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
	"$@" | tee "$build/part"
	set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' \
	    "$build/part" | tail -n 1)
	passed=$((passed + ${1-0}))
	failed=$((failed + ${2-1}))
	skipped=$((skipped + ${3-0}))
}

# The last line, for tests/check.
summary() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}
