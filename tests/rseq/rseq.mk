# rseq.mk - restartable sequences interrupted on purpose (README.md here),
# included by the top Makefile.
#
#   make check-rseq		some 20 seconds; the table is $(RSEQ_DIR)/table

RSEQ_DIR := $(BUILD)/tests/rseq
RSEQ_FLAGS = -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -fno-builtin \
	-Wno-unused-parameter -Wno-unused-but-set-parameter -Wno-deprecated-declarations $(if $(findstring clang,$(CC)),-Wno-unknown-warning-option) -Wno-use-after-free \
	-Iinclude -pthread
RSEQ_H := $(wildcard tests/rseq/*.h)

$(RSEQ_DIR)/torture: $(addprefix tests/rseq/,torture.c sections.c tracee.c) \
		$(RSEQ_H)
	@mkdir -p $(@D)
	$(CC) $(RSEQ_FLAGS) $(filter %.c,$^) -o $@

$(RSEQ_DIR)/victim: tests/rseq/victim.c $(RSEQ_H) $(BUILD)/liballoc.so
	@mkdir -p $(@D)
	$(CC) $(RSEQ_FLAGS) $< $(BUILD)/liballoc.so \
		-Wl,-rpath,$(abspath $(BUILD)) -rdynamic -o $@ -ldl

$(RSEQ_DIR)/storm: tests/rseq/storm.c $(RSEQ_H)
	@mkdir -p $(@D)
	$(CC) $(RSEQ_FLAGS) $< -o $@

# RSEQ_SECONDS for each storm; RSEQ_SEED= to have one again.
RSEQ_SECONDS ?= 2
RSEQ_STORMS ?= kswapd=1 hardened=1 percpu=0

check-rseq: $(addprefix $(RSEQ_DIR)/,torture victim storm)
	@$(RSEQ_DIR)/torture $(RSEQ_DIR)/victim $(RSEQ_DIR)/table
	@for o in $(RSEQ_STORMS); do echo "storm: $$o"; \
		LIBALLOC_OPTIONS=$$o LD_PRELOAD=$(abspath $(BUILD)/liballoc.so) \
		$(RSEQ_DIR)/storm $(RSEQ_SECONDS) $(RSEQ_SEED) || exit 1; done

.PHONY: check-rseq
