# slabtop.mk - alloc-slabtop looks at processes, included by the top Makefile.

SLABTOP_DIR := $(BUILD)/tests/slabtop
SLABTOP_FLAGS = -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -fno-builtin \
	-Isrc -Iinclude -pthread
SLABTOP_PROGS := $(addprefix $(SLABTOP_DIR)/,target bogus target_pie \
	target_no_pie target_static target_static_pie)

$(SLABTOP_DIR)/%: tests/slabtop/%.c src/slab/slabinfo.h src/mm/mm_root.h
	@mkdir -p $(@D)
	$(CC) $(SLABTOP_FLAGS) $< -o $@ -ldl

$(SLABTOP_DIR)/target_pie: SLABTOP_LINK = -pie -fPIE
$(SLABTOP_DIR)/target_no_pie: SLABTOP_LINK = -no-pie -fno-pie
$(SLABTOP_DIR)/target_static: SLABTOP_LINK = -static -no-pie -fno-pie
$(SLABTOP_DIR)/target_static_pie: SLABTOP_LINK = -static-pie -fPIE
$(SLABTOP_DIR)/target_%: tests/slabtop/target.c $(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(CC) $(SLABTOP_FLAGS) $(SLABTOP_LINK) -Wl,--gc-sections $^ -o $@ -ldl

check-slabtop: all $(SLABTOP_PROGS)
	@LIBALLOC_SO='$(abspath $(BUILD)/liballoc.so)' tests/slabtop/run \
		$(abspath $(BUILD)/alloc-slabtop) $(abspath $(SLABTOP_DIR))

.PHONY: check-slabtop
