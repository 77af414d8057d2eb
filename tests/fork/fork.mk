# fork.mk - fork while everything is busy (README.md here), included by the
# top Makefile.
#
#   make fork-torture SECONDS=600 SEED=1
#   make check-fork			15 s, the same seeds each time
#   make fork-mutants			does it see what is broken?  minutes

FORK_DIR := $(BUILD)/tests/fork

FORK_FILES := $(addprefix tests/fork/,torture.c blocks.c children.c handlers.c)

$(FORK_DIR)/torture: $(FORK_FILES) tests/fork/torture.h $(FUZZ_H) $(OBJS)
	@mkdir -p $(@D)
	$(CC) $(FUZZ_FLAGS) -O2 $(EXTRA_LDFLAGS) -Wl,--wrap=sys_numa_init \
		-o $@ $(filter-out %.h,$^) -ldl

check-fork: $(FORK_DIR)/torture
	@tests/fork/run $< 15 $(or $(SEED),1)

fork-torture: $(FORK_DIR)/torture
	@tests/fork/run $< $(SECONDS) "$(SEED)"

fork-mutants:
	@tests/fork/mutants

.PHONY: check-fork fork-torture fork-mutants
