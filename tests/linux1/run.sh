#!/bin/sh
# Builds the suite and runs it: against the shared library with each compiler,
# against the static one, under each NBCLONE_POLICY; and the usual use at every
# optimisation level. The library is the one in target/release.
#
#	tests/linux1/run.sh [-q]	-q: one build, one run
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
library=${NBCLONE_LIBRARY:-$root/target/release}
harness=${NBCLONE_CONFORMANCE:-$here/../conformance}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

warnings='-Wall -Wextra -Wpedantic -Werror'
include="-I$harness -I$root/include/linux1"
failed=0
skipped_compilers=0
runs=0

[ -e "$library/libnbclone.so" ] || {
	echo "no $library/libnbclone.so: cargo build --release"
	exit 2
}
ln -s "$library/libnbclone.so" "$work/libnbclone.so.1"
LD_LIBRARY_PATH=$work
export LD_LIBRARY_PATH

# objects COMPILER DIRECTORY FLAGS...
objects() {
	compiler=$1 to=$2
	shift 2
	mkdir -p "$to"
	for source in "$harness/harness.c" "$harness/boot.c" "$harness/tools.c" "$harness/machine.c" "$here"/*.c; do
		# shellcheck disable=SC2086
		"$compiler" -std=c11 $warnings $include "$@" -c "$source" \
			-o "$to/$(basename "$source" .c).o"
	done
}

# run NAME PROGRAM [suite's options]
run() {
	name=$1
	shift
	runs=$((runs + 1))
	if "$@" >"$work/log" 2>&1; then
		verdict=ok
	else
		verdict='not ok'
		failed=$((failed + 1))
		grep -B8 '^not ok' "$work/log" | sed 's/^/# /' || :
	fi
	echo "$verdict - $name: $(grep 'done passed' "$work/log" | sed 's/.*done //')"
	grep -h '# least stack' "$work/log" >>"$work/least" || :
	sed -n 's/.*# SKIP //p' "$work/log" >>"$work/skipped"
}

have() {
	command -v "$1" >/dev/null && return 0
	echo "ok - $1 # SKIP not installed (Debian's $2)"
	skipped_compilers=$((skipped_compilers + 1))
	return 1
}

objects gcc "$work/gcc" -O2
gcc -pthread "$work"/gcc/*.o "$library/libnbclone.so" -o "$work/suite"
run 'gcc -O2, shared library' "$work/suite"
if [ "${1-}" != -q ]; then
	for policy in netbsd host; do
		run "NBCLONE_POLICY=$policy" env NBCLONE_POLICY=$policy "$work/suite"
	done
	gcc -pthread -static "$work"/gcc/*.o "$library/libnbclone.a" -o "$work/static"
	run 'gcc -O2, static library' "$work/static"
	if have clang clang; then
		objects clang "$work/clang" -O2
		clang -pthread "$work"/clang/*.o "$library/libnbclone.so" -o "$work/suite2"
		run 'clang -O2, shared library' "$work/suite2"
	fi
	if have musl-gcc musl-tools; then
		# musl-tools leaves the kernel's headers out.
		mkdir "$work/kernel"
		for name in linux asm asm-generic; do
			for place in "/usr/include/$name" /usr/include/*-linux-gnu*/"$name"; do
				[ ! -d "$place" ] || ln -sfn "$place" "$work/kernel/$name"
			done
		done
		objects musl-gcc "$work/musl" -O2 -idirafter "$work/kernel"
		musl-gcc -static "$work"/musl/*.o "$library/libnbclone.a" -o "$work/suite3"
		run 'musl, static library' "$work/suite3"
	fi

	for compiler in gcc clang; do
		have $compiler $compiler || continue
		for flags in -O0 -O1 -O2 -O3 -Os -Ofast \
			'-O0 -fomit-frame-pointer' '-O1 -fomit-frame-pointer' \
			'-O2 -fomit-frame-pointer' '-O3 -fomit-frame-pointer' \
			'-Os -fomit-frame-pointer' '-O2 -fno-omit-frame-pointer' \
			'-O2 -fstack-protector-all' '-O2 -fPIE' '-O2 -flto' \
			'-O2 -fstack-clash-protection -D_FORTIFY_SOURCE=2'; do
			# clang's LTO needs a linker of its own.
			[ "$compiler $flags" != 'clang -O2 -flto' ] || have ld.lld lld || continue
			mkdir -p "$work/usual"
			for source in usual macros; do
				# shellcheck disable=SC2086
				$compiler -std=c11 $warnings $include $flags -c "$here/$source.c" \
					-o "$work/usual/$source.o"
			done
			linker=
			case "$compiler $flags" in
			clang*lto) linker=-fuse-ld=lld ;;
			esac
			# shellcheck disable=SC2046,SC2086
			$compiler $flags $linker -pthread \
				$(ls "$work"/gcc/*.o | grep -v -e /usual.o -e /macros.o) \
				"$work"/usual/*.o "$library/libnbclone.so" -o "$work/usual/suite"
			run "$compiler $flags" "$work/usual/suite" -r usual
		done
	done
fi

sort -u "$work/least" 2>/dev/null || :
echo "# skipped cases, by reason:"
sort "$work/skipped" 2>/dev/null | uniq -c || :
echo "# linux1: done runs=$runs failed=$failed skipped compilers=$skipped_compilers"
[ $failed -eq 0 ]
