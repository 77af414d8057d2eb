# all.mk - what `make check` leaves out: builds and runs of other kinds.
#
#   make check-all                         everything: half an hour on two cores;
#					  no row more than $(ALL_LIMIT) s
#   make coverage                         lines and branches that the tests run
#   make check-all ALL_ONLY="debug tsan"   only those parts, without `check`
#
# Each part is a build under $(BUILD)/all/ and runs of the tests on it; the
# table at the end has a row for each.  Output is kept in $(BUILD)/all/log/.
# ALL_SECONDS is how long each program of the last part, `long`, runs.

ALL_ONLY ?=
ALL_SECONDS ?= 20
export ALL_LIMIT ?= 900
ALL_MAKE = $(MAKE)

# Not by the name of MAKE: `make -n` would run it.
check-all: $(if $(ALL_ONLY),all tests-build,check)
	@MAKE='$(ALL_MAKE)' tests/all/run $(BUILD) $(ALL_SECONDS) $(ALL_ONLY)

# Which lines and branches of src/ the tests run, by gcov.
coverage: all tests-build
	@MAKE='$(ALL_MAKE)' tests/coverage/run $(BUILD)

# --- programs for ThreadSanitizer, used by tests/all/run ----------------------
#
# ThreadSanitizer keeps malloc for itself, so the entry points get another
# name, which the stress programs call (tests/all/renamed.h).

TSAN_DIR := $(BUILD)/tests/tsan
TSAN_STRESS := threads realloc aligned churn
TSAN_PROGS := $(addprefix $(TSAN_DIR)/,races $(TSAN_STRESS))
TSAN_RENAMED := malloc free calloc realloc reallocarray aligned_alloc memalign \
	posix_memalign valloc pvalloc cfree free_sized free_aligned_sized \
	malloc_usable_size malloc_trim mallinfo mallinfo2 mallopt \
	malloc_stats malloc_info
TSAN_OBJS := $(filter-out $(BUILD)/obj/api/cxx.o $(BUILD)/obj/api/malloc.o \
	$(BUILD)/obj/api/info.o,$(OBJS)) $(TSAN_DIR)/malloc.o $(TSAN_DIR)/info.o
TSAN_LINK = $(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(EXTRA_CFLAGS) -pthread \
	-fno-builtin -Wl,--wrap=sys_ram_bytes -include tests/all/renamed.h \
	-o $@ $(filter %.c %.o,$^)

$(TSAN_DIR)/%.o: $(BUILD)/obj/api/%.o
	@mkdir -p $(@D)
	$(OBJCOPY) $(foreach n,$(TSAN_RENAMED),--redefine-sym $(n)=la_$(n)) \
		$< $@

$(TSAN_DIR)/races: tests/all/races.c tests/all/split.c \
		tests/all/small_machine.c $(TSAN_OBJS) tests/all/renamed.h \
		tests/stress/stress.h
	$(TSAN_LINK) -Isrc

$(addprefix $(TSAN_DIR)/,$(TSAN_STRESS)): $(TSAN_DIR)/%: tests/stress/%.c \
		tests/all/small_machine.c $(TSAN_OBJS) tests/all/renamed.h \
		tests/stress/stress.h
	$(TSAN_LINK)

tsan-build: $(TSAN_PROGS)

.PHONY: check-all coverage tsan-build
