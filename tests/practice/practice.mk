# practice.mk - small programs that show how memory management works, built
# with include/liballoc.h and build/liballoc.a, included by the top Makefile.
#
#   make practice		builds them
#   make check-practice		runs them all: do they say what they should?

PRACTICE_DIR := $(BUILD)/tests/practice
PRACTICE_PROGS := $(patsubst tests/practice/%.c,$(PRACTICE_DIR)/%,\
	$(wildcard tests/practice/*.c))
PRACTICE_FLAGS = -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra \
	-fno-builtin-malloc -fno-builtin-free -Iinclude -pthread

$(PRACTICE_DIR)/%: tests/practice/%.c tests/practice/practice.h \
		$(wildcard include/*.h include/liballoc/*.h) $(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(CC) $(PRACTICE_FLAGS) $< $(BUILD)/liballoc.a -o $@

practice: $(PRACTICE_PROGS)

check-practice: practice
	@tests/practice/run $(PRACTICE_DIR)

.PHONY: practice check-practice
