# nbclone: thin over Cargo, which builds everything.

CARGO	?= cargo
CC	?= cc
STRIP	?= strip
LIB	?= target/release/libnbclone.so

# GNU's directory variables; PREFIX and LIBDIR as in BSD.
PREFIX		?= /usr/local
prefix		?= $(PREFIX)
exec_prefix	?= $(prefix)
bindir		?= $(exec_prefix)/bin
LIBDIR		?= $(exec_prefix)/lib
libdir		?= $(LIBDIR)
includedir	?= $(prefix)/include
datarootdir	?= $(prefix)/share
mandir		?= $(datarootdir)/man
docdir		?= $(datarootdir)/doc/nbclone
# Where each shell looks for completions.
bashcompdir	?= $(datarootdir)/bash-completion/completions
zshcompdir	?= $(datarootdir)/zsh/site-functions
fishcompdir	?= $(datarootdir)/fish/vendor_completions.d
INSTALL		?= install

RELEASE	= target/release
EXAMPLES = answer spawn threads helper descriptors
DIRS	= bindir='$(bindir)' libdir='$(libdir)' \
	  includedir='$(includedir)' mandir='$(mandir)' docdir='$(docdir)' \
	  bashcompdir='$(bashcompdir)' zshcompdir='$(zshcompdir)' \
	  fishcompdir='$(fishcompdir)' \
	  DESTDIR='$(DESTDIR)' RELEASE='$(RELEASE)' \
	  INSTALL='$(INSTALL)' STRIP='$(STRIP)'

.PHONY: all demo check conformance lab soak bench install uninstall clean

all:
	$(CARGO) build --release
	ln -sf libnbclone.so $(RELEASE)/libnbclone.so.1

# Builds the library and the examples, runs them in each of the three ways,
# then a program that nobody here wrote.
demo: all
	examples/demo $(EXAMPLES)

# All tests, or some suites of tests/README.md. SKIP lines name what was left out,
# and which package has it.
#	make check	make check SUITE=linux1		make check SUITE='cargo soak'
check: all
	tests/check $(SUITE)

# The contract, as a program, against any library:
#	make conformance LIB=path/to/any.so		LIB=host: the host's own
conformance: all
	tests/conformance/run LIB=$(LIB)

# The suite on real kernels under qemu-system; then, unless an architecture is
# named, real programs on the libcs of Debian's releases and on musl.
#	make lab	make lab ARCH=s390x	make lab LAB=all
#	make lab HOSTSFLAGS=--quick	this machine's libcs alone, no chroots
lab: $(if $(ARCH),,all)
	@status=0; \
	tests/lab/lab $(ARCH:%=--arch %) $(if $(filter all,$(LAB)),--all) \
	    $(LABFLAGS) || status=1; \
	$(if $(ARCH),,tests/lab/hosts $(HOSTSFLAGS) || status=1;) \
	exit $$status

# The long campaign.
#	make soak MINUTES=10
soak: all
	tests/soak/run $(MINUTES)

# What it costs, beside every alternative: docs/performance.md.
bench: all
	benches/run

# Installs what was built, and builds nothing that was: root needs no Cargo.
install: $(RELEASE)/libnbclone.so
	$(DIRS) tools/install

$(RELEASE)/libnbclone.so:
	$(MAKE) all

uninstall:
	$(DIRS) tools/install --uninstall

clean:
	$(CARGO) clean
	rm -rf build
