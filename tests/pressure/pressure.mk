# pressure.mk - memory pressure and shrinkers, included by the top Makefile.
#
#   make check-pressure		half a minute; skips what the
#				machine lacks, and says so
#   make bench-pressure		the same with more events

PRESSURE_DIR := $(BUILD)/tests/pressure
PRESSURE_PROGS := $(addprefix $(PRESSURE_DIR)/,cache latency life phases \
	stall)

# As vm-test has it, where a cgroup of the guest's does what the machine may not.
$(PRESSURE_DIR)/phases: tests/vm/phases.c tests/vm/vm.h \
		tests/stress/stress.h $(BUILD)/liballoc.so
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -fno-builtin \
		-pthread -o $@ $< $(BUILD)/liballoc.so \
		-Wl,-rpath,'$(abspath $(BUILD))'

$(PRESSURE_DIR)/%: tests/pressure/%.c include/liballoc.h \
		$(wildcard include/liballoc/*.h) $(BUILD)/liballoc.so
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -fno-builtin \
		-Iinclude -pthread -o $@ $< $(BUILD)/liballoc.so \
		-Wl,-rpath,'$(abspath $(BUILD))'

check-pressure: $(PRESSURE_PROGS)
	@tests/pressure/run $(PRESSURE_DIR)

bench-pressure: $(PRESSURE_PROGS)
	@tests/pressure/run $(PRESSURE_DIR) bench

.PHONY: check-pressure bench-pressure
