# nbclone: thin over Cargo, which builds everything.

CARGO	?= cargo
CC	?= cc
LIB	?= target/release/libnbclone.so
PREFIX	?= /usr/local

RELEASE	= target/release
EXAMPLES = spawn threads helper descriptors

.PHONY: all demo check conformance lab soak bench install uninstall clean

all:
	$(CARGO) build --release
	ln -sf libnbclone.so $(RELEASE)/libnbclone.so.1

# Builds the library and the examples, runs them in each of the three ways,
# then a program that nobody here wrote.
demo: all
	examples/demo $(EXAMPLES)

# All tests. SKIP lines name what was left out, and which package has it.
check: all
	$(CARGO) test
	tests/check

# The contract, as a program, against any library:
#	make conformance LIB=path/to/any.so		LIB=host: the host's own
conformance: all
	tests/conformance/run LIB=$(LIB)

clean:
	$(CARGO) clean
	rm -rf build
