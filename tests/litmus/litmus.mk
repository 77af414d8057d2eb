# litmus.mk - the lock-free transitions, two sides at a time (README.md here).

LITMUS_DIR := $(BUILD)/tests/litmus
LITMUS_PROGS := $(addprefix $(LITMUS_DIR)/,publish claim sleep hand)
LITMUS_ROUNDS ?= 10

$(LITMUS_DIR)/%: tests/litmus/%.c tests/litmus/litmus.h $(OBJS)
	@mkdir -p $(@D)
	$(CC) $(FUZZ_FLAGS) -O2 $(EXTRA_LDFLAGS) -o $@ \
		$(filter-out %.h,$^) -ldl

# Nobody else drains: no kswapd, and nothing is idle for an hour.
check-litmus: $(LITMUS_PROGS)
	@set -e; for p in $^; do for o in percpu=1 percpu=0; do \
		echo "# $$(basename $$p), $$o"; \
		LIBALLOC_OPTIONS=$$o,kswapd=0,reclaim_delay=3600000 \
			$$p $(LITMUS_ROUNDS); done; done

.PHONY: check-litmus
