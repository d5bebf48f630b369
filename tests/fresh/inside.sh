#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
# inside.sh root|user machine|container readme|quick|tools|suites: README's commands in an
# empty root, as `fresh` has entered it; what it needs is in /stage. One line for each
# step, and the end of its output if it failed; then "done".
# quick: of `cargo test` the programs that depend most on where they run. tools:
# cargo-c, CMake and Meson. suites: those of `make check` but cargo's and packaging's.
set -u
user=$1
place=$2
what=$3
home=/root
[ "$user" = root ] || home=/home/builder
tree=$home/nbclone
certificates=
[ ! -f /stage/certificates ] || certificates=/stage/certificates

# as WHO COMMAND...: with that user's environment and nothing else of ours.
as() {
	who=$1
	shift
	set -- env -i HOME="$home" PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
	    LC_ALL=C.UTF-8 ${certificates:+CARGO_HTTP_CAINFO="$certificates"} "$@"
	[ "$who" = root ] ||
	    set -- setpriv --reuid=builder --regid=builder --init-groups "$@"
	[ "$place" = machine ] || set -- /stage/container "$@"
	"$@"
}

# step NAME COMMAND...: runs it in the tree.
step() {
	name=$1
	shift
	if (cd "$tree" && "$@") >/tmp/log 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name"
		{ grep -A 12 '^---- .* stdout ----' /tmp/log; tail -n 40 /tmp/log; } |
		    sed 's/^/# /'
	fi
}

# One line of a block. What README gives to sudo is root's: there is no sudo here.
line() {
	printf '%s\n' "$1" | sed 's/ *&& */\n/g' | {
		status=0
		while read -r command; do
			case $command in
			sudo\ *) as root sh -ec "${command#sudo }" ;;
			*) as "$user" sh -ec "$command" ;;
			esac </dev/null || { status=1; break; }
		done
		exit $status
	}
}

block() {
	while read -r command; do
		step "$command" line "$command"
	done <"/stage/$1"
}

says() {
	expected=$1
	shift
	"$@" | tee /dev/stderr | grep -qxF "$expected"
}

# What quick runs of `cargo test`.
QUICK="--test preload --test uses --test links --test marks --test headers --test command"

# cargo-c installs, and projects of CMake and Meson find that by pkg-config.
tools() {
	# install.md's line, and what is called so there.
	command=$(sed -n 's|^    \(cargo cinstall .*\)|\1|p' "$tree/docs/install.md")
	command=$(echo "$command" | sed 's|DIR$|/tmp/dest|')
	step "$command" line "$command --locked --offline"
	lib=/tmp/dest/usr/lib
	step "what cargo-c installed" as "$user" sh -ec "
	    ls $lib/libnbclone.so.1 $lib/libnbclone.a $lib/pkgconfig/nbclone.pc \
	    /tmp/dest/usr/include/nbclone/sched.h
	    readelf -d $lib/libnbclone.so.1 | grep -F '[libnbclone.so.1]'"
	pc="PKG_CONFIG_SYSROOT_DIR=/tmp/dest PKG_CONFIG_PATH=$lib/pkgconfig"
	step "its nbclone.pc" as "$user" env $pc sh -ec '
	    cc prog.c $(pkg-config --cflags --libs nbclone) -o prog'
	step "./prog, with cargo-c's library" says "the child gave 42" \
	    as "$user" env LD_LIBRARY_PATH=$lib ./prog
	step "make" as "$user" make
	step "make install" as root make install
	step "ldconfig" as root ldconfig
	step "examples/cmake" as "$user" sh -ec '
	    cmake -S examples/cmake -B /tmp/cmake
	    cmake --build /tmp/cmake
	    /tmp/cmake/spawn | grep "ended with status 0"'
	step "examples/meson" as "$user" sh -ec '
	    meson setup /tmp/meson examples/meson
	    meson compile -C /tmp/meson
	    /tmp/meson/spawn | grep "ended with status 0"'
}

suites() {
	step "make" as "$user" make
	for suite in conformance expectations leftovers linux1 fidelity soak; do
		step "make check SUITE=$suite" as "$user" make check SUITE="$suite"
		grep '^SKIP' /tmp/log
	done
}

# Everything behind the fetch. It has no network.
offline() {
	case $what in
	tools | suites)
		"$what"
		return
		;;
	esac
	[ "$what" != quick ] ||
	    sed "s|^cargo test$|cargo test $QUICK|" /stage/first >/stage/quick
	block "$([ "$what" = quick ] && echo quick || echo first)"
	# What it left out, by its own account.
	grep '^left out' /tmp/log
	step "make" as "$user" make
	block link
	step "./prog, static" says "the child gave 42" as "$user" ./prog
	step "the shared one" line "$(sed -n '/-lnbclone/p' /stage/link)"
	step "LD_LIBRARY_PATH=target/release ./prog" says "the child gave 42" \
	    as "$user" env LD_LIBRARY_PATH=target/release ./prog
	block install
	step "./prog, with the installed library" says "the child gave 42" \
	    as "$user" ./prog
	step "nbclone ./prog" says "the child gave 42" as "$user" nbclone ./prog
	step "sudo make uninstall" line "sudo make uninstall"
}

if [ "${4:-}" = offline ]; then
	offline
	exit
fi
[ "$place" = machine ] || cc -O1 -D_GNU_SOURCE -o /stage/container /stage/container.c || exit
[ "$user" = root ] || useradd --create-home builder
mkdir "$tree" "$home/.cargo"
tar xf /stage/tree.tar -C "$tree"
cp /stage/prog.c "$tree/"
cp /stage/config* "$home/.cargo/" 2>/dev/null
[ "$user" = root ] || chown -R builder: "$home"
step "cargo fetch --locked" as "$user" cargo fetch --locked
unshare --net sh "$0" "$user" "$place" "$what" offline
echo "done"
