# strict.mk - tests with less memory than usual; after tests/tests.mk.

STRICT_DIR := $(TEST_BUILD)/strict
STRICT_PROGS := $(addprefix $(STRICT_DIR)/,exhaust threads squeeze pages \
	pages_check maps seccomp locked lowered start libpagesize.so)
ifneq ($(TEST_A_DEP),)
STRICT_PROGS += $(addprefix $(STRICT_DIR)/,threads_static0 threads_static1 \
	threads_static2)
endif

$(STRICT_DIR)/%: tests/strict/%.c $(CONF_HELP_H)
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) $< -o $@ -pthread

$(STRICT_DIR)/libpagesize.so: tests/strict/libpagesize.c
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -fPIC -shared $< -o $@

# With these layers and libc's malloc.
$(STRICT_DIR)/threads_static%: tests/strict/threads_static.c \
		$(filter $(BUILD)/obj/sys/% $(BUILD)/obj/lib/%,$(OBJS))
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -Isrc -static -DPROGRAM=$* $^ \
		-o $@

check-strict: $(STRICT_PROGS) $(STRESS_PROGS) $(CONF_HELP)/probe \
		$(TEST_SO_DEP)
	@$(TEST_ENV) tests/strict/run $(STRICT_DIR)

.PHONY: check-strict
