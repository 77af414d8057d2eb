# tests.mk - black-box tests, included by the top Makefile.
#
# Everything here reaches the library through libc's API only.  The programs
# are not linked with it; LIBALLOC_SO says what they preload:
#
#   make check-conformance                              our own build
#   make check-conformance LIBALLOC_SO= TEST_ALLOCATOR=glibc
#   make check-conformance LIBALLOC_SO=/path/libmimalloc.so.2 \
#                          TEST_ALLOCATOR=mimalloc
#
# The last two try the tests themselves: they pass, skip what the others do
# not promise, and fail where the others differ.

BUILD ?= build
LIBALLOC_SO ?= $(BUILD)/liballoc.so
TEST_ALLOCATOR ?= liballoc
STRESS_SECONDS ?= 2

TEST_CC ?= $(CC)
TEST_CXX ?= g++
TEST_BUILD := $(BUILD)/tests

# No builtins: the compiler must not fold, pair or drop what is tested.
TEST_CFLAGS ?= -O1 -g
TEST_FLAGS := $(TEST_CFLAGS) -Wall -Wextra -fno-builtin \
	-Wno-free-nonheap-object -Wno-alloc-size-larger-than \
	-Wno-use-after-free \
	-Wno-infinite-recursion -Wno-deprecated-declarations \
	$(if $(findstring clang,$(TEST_CC)),-Wno-unknown-warning-option) \
	-D_GNU_SOURCE -pthread
TEST_CSTD := -std=gnu11
TEST_NO_DCE := $(if $(findstring clang,$(TEST_CXX)),,-fno-allocation-dce)
TEST_HAVE_CXX := $(shell command -v $(TEST_CXX) 2>/dev/null)

# Only our own library is ours to build.
TEST_SO_DEP := $(filter $(BUILD)/liballoc.so,$(LIBALLOC_SO))
TEST_A_DEP := $(if $(TEST_SO_DEP),$(BUILD)/liballoc.a)
TEST_ENV = LIBALLOC_SO='$(if $(LIBALLOC_SO),$(abspath $(LIBALLOC_SO)))' \
	TEST_ALLOCATOR='$(TEST_ALLOCATOR)'

# --- conformance ---------------------------------------------------------

CONF_DIR := $(TEST_BUILD)/conformance
CONF_HELP := $(CONF_DIR)/helpers
CONF_TESTS := $(patsubst tests/conformance/%.c,$(CONF_DIR)/%,\
	$(wildcard tests/conformance/*_test.c))
CONF_PROGS := $(addprefix $(CONF_HELP)/,probe free_sized forks spawns threads \
	handoff drops exits loads single signals limits sandbox own_malloc static)
CONF_LIBS := $(addprefix $(CONF_HELP)/,libexits.so libatfork.so libinitfirst.so libwrap.so \
	$(foreach n,0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15,libload$(n).so))
ifneq ($(TEST_HAVE_CXX),)
CONF_TESTS += $(CONF_DIR)/cxx_test
CONF_PROGS += $(CONF_HELP)/own_malloc_cxx $(CONF_HELP)/own_new
endif
ifneq ($(TEST_A_DEP),)
CONF_PROGS += $(CONF_HELP)/probe_linked
endif

$(CONF_DIR)/conformance.o: tests/conformance/conformance.c \
		tests/conformance/conformance.h
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -c $< -o $@

$(CONF_DIR)/%_test: tests/conformance/%_test.c $(CONF_DIR)/conformance.o
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) $^ -o $@ -lcriterion -ldl

$(CONF_DIR)/cxx_test: tests/conformance/cxx_test.cc $(CONF_DIR)/conformance.o
	$(TEST_CXX) -std=c++17 $(TEST_FLAGS) $(TEST_NO_DCE) $^ -o $@ \
		-lcriterion -ldl

CONF_HELP_H := tests/conformance/helpers/helper.h

$(CONF_HELP)/%: tests/conformance/helpers/%.c $(CONF_HELP_H)
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) $< -o $@ -ldl

$(CONF_HELP)/exits: tests/conformance/helpers/exits.c $(CONF_HELP)/libexits.so
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -Wl,--no-as-needed $^ \
		-Wl,-rpath,'$$ORIGIN' -o $@

$(CONF_HELP)/static: tests/conformance/helpers/static.c $(CONF_HELP_H)
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -static $< -o $@

$(CONF_HELP)/own_malloc: tests/conformance/helpers/own_malloc.h

$(CONF_HELP)/probe_linked: tests/conformance/helpers/probe.c $(CONF_HELP_H) \
		$(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) $< $(BUILD)/liballoc.a -o $@ -ldl

$(CONF_HELP)/%: tests/conformance/helpers/%.cc $(CONF_HELP_H) \
		tests/conformance/helpers/own_malloc.h
	@mkdir -p $(@D)
	$(TEST_CXX) -std=c++17 $(TEST_FLAGS) $(TEST_NO_DCE) $< -o $@

$(CONF_HELP)/lib%.so: tests/conformance/helpers/lib%.c $(CONF_HELP_H)
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -fPIC -shared $< -o $@ -ldl

$(CONF_HELP)/libinitfirst.so: tests/conformance/helpers/libinitfirst.c \
		$(CONF_HELP_H)
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -fPIC -shared $< -o $@ \
		-Wl,-z,initfirst

$(filter $(CONF_HELP)/libload%.so,$(CONF_LIBS)): $(CONF_HELP)/libload%.so: \
		tests/conformance/helpers/libload.c $(CONF_HELP_H)
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -fPIC -shared $< -o $@

# --- misuse and stress: one program per file --------------------------------

MISUSE_DIR := $(TEST_BUILD)/misuse
MISUSE_PROGS := $(patsubst tests/misuse/%.c,$(MISUSE_DIR)/%,\
	$(wildcard tests/misuse/*.c))

$(MISUSE_DIR)/%: tests/misuse/%.c tests/misuse/misuse.h
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) $< -o $@ -ldl

STRESS_DIR := $(TEST_BUILD)/stress
STRESS_PROGS := $(patsubst tests/stress/%.c,$(STRESS_DIR)/%,\
	$(wildcard tests/stress/*.c))

$(STRESS_DIR)/%: tests/stress/%.c tests/stress/stress.h
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -O2 $< -o $@

# --- soak -----------------------------------------------------------------

HOURS ?= 1
SOAK_OPTIONS ?=

$(TEST_BUILD)/soak/mixture: tests/soak/mixture.c
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -O2 $< -o $@

# Servers under load, under glibc and the library: whose memory grows?
# HOURS=0.2 for twelve minutes.
soak: all $(TEST_BUILD)/soak/mixture $(BUILD)/bench/tail
	@scripts/install-deps python3 redis-tools memcached
	@tests/soak/run $(BUILD) $(HOURS) $(SOAK_OPTIONS)

# Does what judges the slopes tell growth from wandering?  Seconds.
check-soak:
	@tests/soak/slopes_test

.PHONY: soak check-soak

# --- static linking ---------------------------------------------------------

STATIC_DIR := $(TEST_BUILD)/static
STATIC_PROGS := $(addprefix $(STATIC_DIR)/,names_shared_libc names_static \
	early_static)

$(STATIC_DIR)/names_shared_libc: tests/static/names.c $(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) $^ -o $@ -ldl

$(STATIC_DIR)/%_static: tests/static/%.c $(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -static $^ -o $@

# --- targets ----------------------------------------------------------------

.PHONY: tests-build check-conformance check-misuse check-preload check-real \
	check-stress check-static check-trace

tests-build: $(CONF_TESTS) $(CONF_PROGS) $(CONF_LIBS) $(MISUSE_PROGS) \
	$(STRESS_PROGS) $(if $(TEST_A_DEP),$(STATIC_PROGS))

check-conformance: $(CONF_TESTS) $(CONF_PROGS) $(CONF_LIBS) $(TEST_SO_DEP)
	@$(TEST_ENV) tests/conformance/run $(CONF_DIR)

check-misuse: $(MISUSE_PROGS) $(TEST_SO_DEP)
	@$(TEST_ENV) tests/misuse/run $(MISUSE_DIR)

check-preload: $(TEST_SO_DEP)
	@$(TEST_ENV) tests/preload/run

# Every real program, minutes; installs Debian's packages, starts no service.
check-real: $(TEST_SO_DEP)
	@scripts/install-real
	@$(TEST_ENV) tests/preload/run --real $(REAL_ONLY)

check-stress: $(STRESS_PROGS) $(TEST_SO_DEP)
	@$(TEST_ENV) tests/stress/run $(STRESS_SECONDS) $(STRESS_DIR)

check-static: $(STATIC_PROGS)
	@tests/static/run $(STATIC_DIR)

# --- traces -------------------------------------------------------------------

$(TEST_BUILD)/calls: tests/trace/calls.c $(BUILD)/liballoc.so
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) $^ \
		-Wl,-rpath,'$(abspath $(BUILD))' -o $@

check-trace: $(TEST_BUILD)/calls $(BUILD)/bench/replay $(TEST_SO_DEP)
	@$(TEST_ENV) tests/trace/run $(TEST_BUILD)/calls $(BUILD)/bench/replay
