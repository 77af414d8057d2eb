# vm.mk - the tests in a virtual machine: NUMA, eight CPUs, strict limits.
#
#   make vm-test                    all of them, some minutes under emulation
#   make vm-test VM_ARGS='-k hop'   one; -l lists them
#
# scripts/vm-test makes the machine and calls back for what it runs.

VM_DIR := $(BUILD)/vm/bin
VM_PROGS := $(patsubst tests/vm/%.c,$(VM_DIR)/%,$(wildcard tests/vm/*.c))
VM_ARGS ?=

$(VM_DIR)/%: tests/vm/%.c tests/vm/vm.h tests/stress/stress.h
	@mkdir -p $(@D)
	$(TEST_CC) $(TEST_CSTD) $(TEST_FLAGS) -O2 $< -o $@

vm-build: $(VM_PROGS) $(STRESS_PROGS) $(UNIT_DIR)/layers $(UNIT_DIR)/api \
	$(TEST_SO_DEP)

vm-test:
	@BUILD=$(BUILD) scripts/vm-test $(VM_ARGS)

.PHONY: vm-build vm-test
