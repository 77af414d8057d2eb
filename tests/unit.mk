# unit.mk - unit tests, one Criterion file per source file.
#
# Three programs, none of which has the entry points of src/api/malloc.c: so
# the tests, and Criterion itself, keep libc's malloc.
#
#   layers	arch to slab; every test brings up what it needs (unit.h)
#   api		the same with start-up, fork, vfork, reports and the kernel's API,
#		over a malloc() and free() of another name (la_malloc)
#   cxx		operators new and delete, over a malloc of the test's own
#
# UNIT_ARGS goes to Criterion: make check-unit UNIT_ARGS='--filter buddy/*'

UNIT_DIR := $(BUILD)/tests/unit
UNIT_ARGS ?=
UNIT_CFLAGS ?= $(CFLAGS)
UNIT_FLAGS = -std=gnu11 -D_GNU_SOURCE $(UNIT_CFLAGS) -Wall -Wextra \
	-Wno-unused-parameter -Wno-missing-field-initializers \
	-fno-strict-aliasing -fvisibility=hidden -fno-semantic-interposition \
	$(EXTRA_CFLAGS) -Isrc -Iinclude -pthread

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_test.c))
UNIT_API := init_test fork_test vfork_test info_test pages_test \
	vmem_test kmem_test
UNIT_API += kmalloc_api_test rcu_api_test mempool_api_test \
	refcount_api_test
UNIT_API += uaccess_test stack_api_test list_lru_test page_ref_test \
	buffer_test
UNIT_LAYERS := $(filter-out $(UNIT_API) cxx_test,$(UNIT_TESTS))
UNIT_LAYER_OBJS := $(filter-out $(BUILD)/obj/api/%,$(OBJS))
UNIT_API_OBJS := $(addprefix $(BUILD)/obj/api/,init.o fork.o vfork.o info.o \
	pages.o vmem.o kmem.o)
UNIT_API_OBJS += $(addprefix $(BUILD)/obj/api/,kmalloc_api.o rcu_api.o \
	mempool_api.o refcount_api.o) \
	$(UNIT_DIR)/malloc.o
UNIT_API_OBJS += $(addprefix $(BUILD)/obj/api/,uaccess.o stack.o list_lru.o \
	shrinker.o page_ref.o)
UNIT_PROGS := $(addprefix $(UNIT_DIR)/,layers api cxx)
UNIT_LINK = $(CC) $(UNIT_CFLAGS) $(EXTRA_LDFLAGS) -pthread -o $@ $^ \
	-lcriterion -ldl

$(UNIT_DIR)/%.o: tests/unit/%.c tests/unit.mk
	@mkdir -p $(@D)
	$(CC) $(UNIT_FLAGS) -MMD -MP -c -o $@ $<

# It steps through code that stands on the stack below %rsp.
$(UNIT_DIR)/percpu_ops_test.o: \
	UNIT_CFLAGS += $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),\
	-mno-red-zone)

# The sequences once more at other levels than the library's: gcc 12 miscompiles
# an asm goto with outputs at these two where nothing is done about it.
UNIT_OPS_LEVELS ?= 1 s
UNIT_OPS := $(UNIT_OPS_LEVELS:%=$(UNIT_DIR)/percpu_ops_O%.o)

$(UNIT_OPS): $(UNIT_DIR)/percpu_ops_O%.o: tests/unit/percpu_ops_test.c \
		$(wildcard src/arch/*.h src/arch/*/*.h src/mm/percpu*.h)
	@mkdir -p $(@D)
	$(CC) $(UNIT_FLAGS) -O$* -DOPS_SUITE=percpu_ops_O$* -c -o $@ $<

$(UNIT_OPS): \
	UNIT_CFLAGS += $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),\
	-mno-red-zone)

$(UNIT_DIR)/layers: $(UNIT_LAYERS:%=$(UNIT_DIR)/%.o) $(UNIT_OPS) \
		$(UNIT_LAYER_OBJS)
	$(UNIT_LINK)

# The tests of one file of the layers alone: tests/fork/mutants builds it.
$(UNIT_DIR)/only/%: $(UNIT_DIR)/%.o $(UNIT_LAYER_OBJS)
	@mkdir -p $(@D)
	$(UNIT_LINK)

$(UNIT_DIR)/api: $(UNIT_API:%=$(UNIT_DIR)/%.o) $(UNIT_API_OBJS) \
		$(UNIT_LAYER_OBJS)
	$(UNIT_LINK)

# Renamed as for ThreadSanitizer (all.mk).
$(UNIT_DIR)/malloc.o: $(BUILD)/obj/api/malloc.o
	@mkdir -p $(@D)
	$(OBJCOPY) $(foreach n,$(TSAN_RENAMED),--redefine-sym $(n)=la_$(n)) \
		$< $@

# What it calls malloc is the test's; Criterion's is libc's.
$(UNIT_DIR)/cxx.o: $(BUILD)/obj/api/cxx.o
	@mkdir -p $(@D)
	$(OBJCOPY) --redefine-sym malloc=unit_malloc \
		--redefine-sym free=unit_free \
		--redefine-sym aligned_alloc=unit_aligned_alloc $< $@

$(UNIT_DIR)/cxx: $(UNIT_DIR)/cxx_test.o $(UNIT_DIR)/cxx.o $(UNIT_LAYER_OBJS)
	$(UNIT_LINK)

-include $(UNIT_TESTS:%=$(UNIT_DIR)/%.d)

unit-build: $(UNIT_PROGS)

# All of them run even if one fails.
check-unit: $(UNIT_PROGS)
	@failed=0; for t in $(UNIT_PROGS); do \
		echo "# $$(basename $$t)"; \
		timeout -k 5 900 $$t --short-filename $(UNIT_ARGS) \
			</dev/null 2>&1 || failed=1; \
	done; exit $$failed

# The layers once more, with CPU 0 on one node and CPU 1 on another: pages of
# both lie anywhere, what is tested is our own bookkeeping.
UNIT_NODES := $(UNIT_DIR)/nodes/sys/devices/system/node

check-unit-nodes: $(UNIT_DIR)/layers
	@mkdir -p $(UNIT_NODES)/node0 $(UNIT_NODES)/node1
	@cd $(UNIT_NODES) && echo 0-1 >online && echo 0-1 >has_memory && \
		echo 0 >node0/cpulist && echo 1 >node1/cpulist && \
		echo 10 20 >node0/distance && echo 20 10 >node1/distance
	@UNIT_SYS_ROOT=$(abspath $(UNIT_DIR))/nodes timeout -k 5 900 \
		$(UNIT_DIR)/layers --short-filename $(UNIT_ARGS) </dev/null

.PHONY: unit-build check-unit check-unit-nodes
