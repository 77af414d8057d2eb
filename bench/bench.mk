# bench.mk - builds the access patterns; the top Makefile includes it.
#
# One program for each bench/*.c, in $(BUILD)/bench.  The compiler must not
# know what malloc is, or it removes the pairs that are to be measured.

BUILD ?= build

BENCH_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -pthread \
	-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc \
	-fno-builtin-free

BENCH_SRCS  := $(sort $(wildcard bench/*.c))
BENCH_PROGS := $(BENCH_SRCS:bench/%.c=$(BUILD)/bench/%)

.PHONY: bench-build
bench-build: $(BENCH_PROGS)

$(BUILD)/bench/%: bench/%.c bench/bench.h
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $<

# Static, so that the peak it hands to the command at exec is its own small
# one; where libc.a is missing, a dynamic one is still below the command's.
$(BUILD)/bench/launch: bench/launch.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -static -o $@ $< || $(CC) $(BENCH_CFLAGS) -o $@ $<
