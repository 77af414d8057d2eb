# vm.mk - the tests in a virtual machine: NUMA, eight CPUs, strict limits.
#
#   make vm-test                    all of them, some minutes under emulation
#   make vm-test VM_ARGS='-k hop'   one; -l lists them
#   make vm-scale                   throughput and memory on 8 and 16 CPUs
#
# scripts/vm-test makes the machine and calls back for what it runs.

VM_DIR := $(BUILD)/vm/bin
VM_PROGS := $(patsubst tests/vm/%.c,$(VM_DIR)/%,$(wildcard tests/vm/*.c))
VM_ARGS ?=

$(VM_DIR)/%: tests/vm/%.c tests/vm/vm.h tests/stress/stress.h
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -O2 $< -o $@

# Of tests/pressure, for cgroups of version 2.
VM_PROGS += $(addprefix $(VM_DIR)/,cache latency)

$(addprefix $(VM_DIR)/,cache latency): $(VM_DIR)/%: tests/pressure/%.c \
		$(wildcard include/*.h include/liballoc/*.h) $(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -O2 -Iinclude $< \
		$(BUILD)/liballoc.a -o $@

vm-build: $(BUILD)/bench/scale $(VM_PROGS) $(STRESS_PROGS) $(UNIT_DIR)/layers $(UNIT_DIR)/api \
	$(TEST_SO_DEP)

vm-test:
	@BUILD=$(BUILD) scripts/vm-test $(VM_ARGS)

# The tests named scale-*, on 8 and on 16 CPUs; some minutes.
vm-scale:
	@for n in 8 16; do \
		VM_CPUS=$$n BUILD=$(BUILD) scripts/vm-test -k 'scale-*' \
			>$(BUILD)/vm-scale.log 2>&1 || \
			{ tail -n 20 $(BUILD)/vm-scale.log; exit 1; }; \
		awk -v cpus=$$n 'BEGIN { print "\n" cpus " CPUs, 2 nodes:" } \
			/^mops=/ { text = $$0 } \
			/^VM-TEST scale/ { print "  " $$2 " " text }' \
			$(BUILD)/vm/log; \
	done

.PHONY: vm-build vm-test vm-scale
