# bench.mk - builds the access patterns; the top Makefile includes it.
#
# One program for each other bench/*.c and bench/literature/*.c, in $(BUILD)/bench.  The compiler must not
# know what malloc is, or it removes the pairs that are to be measured.

BUILD ?= build

BENCH_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -pthread \
	-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc \
	-fno-builtin-free

# Two are libraries to preload.
BENCH_LIBS  := bump live
# One contains the library's lower layers, which only the top Makefile knows.
BENCH_SRCS  := $(sort $(filter-out $(BENCH_LIBS:%=bench/%.c) bench/cpus.c,\
	$(wildcard bench/*.c)))
BENCH_PROGS := $(BENCH_SRCS:bench/%.c=$(BUILD)/bench/%) \
	$(BENCH_LIBS:%=$(BUILD)/bench/%.so)

# Programs of papers and benchmark suites, a set of their own.
LITERATURE := $(patsubst bench/%.c,$(BUILD)/bench/%,\
	$(wildcard bench/literature/*.c))

.PHONY: bench-build bench-peers bench-literature bench-cpus check-bench
.PHONY: literature-build
bench-build: $(BENCH_PROGS)
literature-build: $(LITERATURE) $(BUILD)/bench/launch
$(LITERATURE): bench/literature/literature.h

# Beside the allocators that Debian has: a quarter of an hour (bench/README.md).
bench-peers: all
	BUILD=$(BUILD) scripts/bench-peers

# The same allocators on programs of the literature: at most eight minutes.
bench-literature: all
	BUILD=$(BUILD) scripts/bench-literature

# Every program of bench/ for a moment, and what it prints: half a minute.
check-bench: bench-build literature-build $(BUILD)/bench/cpus $(BUILD)/liballoc.so
	@tests/bench/run $(BUILD)

# What CPUs and nodes cost in memory: seconds.
bench-cpus: $(BUILD)/bench/cpus
	@$<

$(BUILD)/bench/cpus: bench/cpus.c $(filter-out $(BUILD)/obj/api/%,$(OBJS))
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra \
		-Wno-unused-parameter -fno-strict-aliasing -Isrc -Iinclude \
		-pthread -o $@ $^ -ldl

$(BUILD)/bench/%: bench/%.c bench/bench.h
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $< -ldl

$(BUILD)/bench/replay: src/core/trace_format.h
$(BUILD)/bench/replay: BENCH_CFLAGS += -Isrc

$(BUILD)/bench/%.so: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -fvisibility=hidden -fPIC -shared -fno-builtin \
		-o $@ $<

# Static, so that the peak it hands to the command at exec is its own small
# one; where libc.a is missing, a dynamic one is still below the command's.
$(BUILD)/bench/launch: bench/launch.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -static -o $@ $< || $(CC) $(BENCH_CFLAGS) -o $@ $<

# Calls the library by name, so it is linked with it.
$(BUILD)/bench/kmem: bench/kmem.c bench/bench.h $(BUILD)/liballoc.so
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -Iinclude -o $@ $< -L$(BUILD) -lalloc \
		-Wl,-rpath,'$$ORIGIN/..'

# Object caches beside malloc: seconds.
bench-kmem: $(BUILD)/bench/kmem
	$(BUILD)/bench/kmem

.PHONY: bench-kmem
