# gridtree: a PostgreSQL extension (PGXS) and the daemon gridtreed (libpq only).
#
#   make                 build the extension and the daemon     (PG_CONFIG= chooses the server)
#   make install         install both; fetches nothing
#   make check           every test, in a throwaway cluster      (SUITES="unit sql isolation tap" TESTS="pattern")
#   make check-matrix    the same in fresh Debian roots with PostgreSQL 17 and later
#   make demo            the sample district                     (KEEP=1 leaves the server running)
#   make bench           speeds beside their peers               (BENCH="pattern")
#   make fuzz            the fuzzers of the pure cores (clang; FUZZ_SECONDS=20 each)
#   make reference       docs/reference.md from the SQL comments
#   make clean
#
# ASSERT=1 compiles assertions in, as make check does.

PG_CONFIG ?= pg_config
GT_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" extension/gridtree.control)

# These do their own set-up, so they must work where no server is installed yet.
SCRIPTED := check check-matrix demo bench fuzz reference
ifneq ($(filter $(SCRIPTED),$(MAKECMDGOALS)),)

.PHONY: $(SCRIPTED)
export SUITES TESTS KEEP BENCH
ifneq ($(origin PG_CONFIG),file)
export PG_CONFIG
endif
check:        ; @tests/check.sh
check-matrix: ; @tests/matrix.sh
demo:         ; @sql/demo/demo.sh
bench:        ; @tests/bench/bench.sh
fuzz:         ; @$(MAKE) -C tests/fuzz run
reference:    ; @tests/reference.sh --write

else

MODULE_big = gridtree
EXTENSION  = extension/gridtree
INSTALL_SQL = sql/gridtree--$(GT_VERSION).sql
PARTS      = $(sort $(wildcard sql/install/[0-9][0-9]-*.sql))
UPGRADES   = $(wildcard sql/gridtree--*--*.sql)
DATA       = $(UPGRADES)
DATA_built = $(INSTALL_SQL)
OBJS       = $(patsubst %.c,%.o,$(wildcard extension/*.c))
SHLIB_LINK = -lm
EXTRA_CLEAN = .built-for

# Contraction to fused multiply-add would break exact predicates on aarch64.
PG_CFLAGS  = -std=gnu11 -Wextra -ffp-contract=off $(if $(WERROR),-Werror)
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server) -DGRIDTREE_VERSION='"$(GT_VERSION)"' \
             $(if $(ASSERT),-DUSE_ASSERT_CHECKING=1)

# Not every machine that has a server has the LLVM that built it.
override with_llvm = no
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Objects built for another server, or otherwise, are no use.
BUILT_FOR := $(shell $(PG_CONFIG) --version)$(if $(ASSERT), with assertions)
ifneq ($(shell cat .built-for 2>/dev/null),$(BUILT_FOR))
$(shell rm -f extension/*.o gridtree.so; echo '$(BUILT_FOR)' > .built-for)
endif

$(OBJS): $(wildcard extension/*.h) extension/gridtree.control Makefile

$(INSTALL_SQL): $(PARTS) extension/gridtree.control
	cat $(PARTS) > $@

.PHONY: daemon
all: daemon
daemon:
	$(MAKE) -C daemon VERSION=$(GT_VERSION) PG_CONFIG='$(PG_CONFIG)' WERROR=$(WERROR)
install: install-daemon install-community
install-daemon:
	$(MAKE) -C daemon install VERSION=$(GT_VERSION) PG_CONFIG='$(PG_CONFIG)' DESTDIR='$(DESTDIR)'
uninstall: uninstall-daemon uninstall-community
uninstall-daemon:
	$(MAKE) -C daemon uninstall PG_CONFIG='$(PG_CONFIG)' DESTDIR='$(DESTDIR)'

# The register is for psql: a folder beside the server's shared files.
COMMUNITY = $(DESTDIR)$(datadir)/gridtree/community
install-community: uninstall-community
	for d in . comments migrations; do \
	  $(MKDIR_P) '$(COMMUNITY)'/$$d && $(INSTALL_DATA) sql/community/$$d/*.sql '$(COMMUNITY)'/$$d || exit; \
	done
uninstall-community:
	rm -rf '$(COMMUNITY)'
	rmdir '$(DESTDIR)$(datadir)/gridtree' 2>/dev/null || :
.PHONY: install-daemon uninstall-daemon install-community uninstall-community
clean: clean-daemon
clean-daemon:
	$(MAKE) -C daemon clean
	$(MAKE) -C tests/unit clean
	$(MAKE) -C tests/fuzz clean
	$(MAKE) -C tests/oracle clean

endif
