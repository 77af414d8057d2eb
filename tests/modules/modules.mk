# modules.mk - kernel modules as programs, included by the top Makefile.
#
#   make modules		builds them: cc -I include/liballoc MODULE.c, with a
#				main() by -DLIBALLOC_MODULE_MAIN
#   make check-modules		runs them all: do they say what they should?
#
# They include <linux/...> only, as modules do.  mempool_exhausted is a plain
# program: build/tests/modules/mempool_exhausted 10 is its long form.

MODULES_DIR := $(BUILD)/tests/modules
MODULES := $(patsubst tests/modules/%.c,$(MODULES_DIR)/%,\
	$(wildcard tests/modules/*.c))
MODULES_HEADERS := $(wildcard include/*.h include/liballoc/*.h \
	include/liballoc/linux/*.h)
MODULES_FLAGS = -O1 -g -Wall -Wextra -Wno-unused-parameter \
	-Wno-alloc-size-larger-than -fno-builtin-malloc -fno-builtin-free \
	-pthread
ifneq ($(TEST_HAVE_CXX),)
MODULES += $(MODULES_DIR)/names_cxx
endif

$(MODULES_DIR)/%: tests/modules/%.c $(MODULES_HEADERS) $(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(MODULES_FLAGS) -Iinclude/liballoc -Iinclude \
		-DLIBALLOC_MODULE_MAIN $(filter %.c,$^) $(BUILD)/liballoc.a -o $@

# Of two files.
$(MODULES_DIR)/tasks: tests/modules/second/tasks.c

$(MODULES_DIR)/%: tests/modules/%.cc $(MODULES_HEADERS) $(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(TEST_CXX) -std=c++11 $(MODULES_FLAGS) -Iinclude $< \
		$(BUILD)/liballoc.a -o $@

# Every public header by itself, in the languages it is for.
$(MODULES_DIR)/headers: $(MODULES_HEADERS) tests/modules/headers
	@mkdir -p $(@D)
	@CC="$(CC)" CXX="$(if $(TEST_HAVE_CXX),$(TEST_CXX))" tests/modules/headers
	@touch $@

modules: $(MODULES) $(MODULES_DIR)/headers

check-modules: modules
	@tests/modules/run $(MODULES_DIR)
	@CC="$(CC)" tests/modules/linkers $(BUILD)/liballoc.a
	@ARM_CC="$(ARM_CC)" tests/modules/barriers

.PHONY: modules check-modules
