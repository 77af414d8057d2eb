# fuzz.mk - the oracle (tests/fuzz/oracle.c), and faults below (tests/faults).
#
#   make fuzz SECONDS=600 SEED=1 THREADS=4
#   make check-fuzz			30 s, the same seeds each time
#   make fuzz-reduce SEED=1 OPS=200000	a failure of one thread, made small
#   make fuzz-libfuzzer			clang's fuzzer for SECONDS
#   make fuzz-afl			AFL++ for SECONDS
#   make check-faults			every system call fails in turn

SECONDS ?= 60
SEED ?=
THREADS ?=
OPS ?= 200000
FUZZ_DIR := $(BUILD)/tests/fuzz
FUZZ_H := $(addprefix tests/fuzz/,heap.h stamp.h)
ORACLE := $(addprefix tests/fuzz/,oracle.c model.c blocks.c operations.c \
	reduce.c oracle.h) $(FUZZ_H)
FUZZ_FLAGS = -std=gnu11 -D_GNU_SOURCE -g -Wall -Wextra -Wno-unused-parameter \
	-fno-builtin -fno-strict-aliasing -fvisibility=hidden \
	$(EXTRA_CFLAGS) -Isrc -Iinclude -pthread

$(FUZZ_DIR)/oracle: $(ORACLE) $(OBJS)
	@mkdir -p $(@D)
	$(CC) $(FUZZ_FLAGS) -O2 $(EXTRA_LDFLAGS) -o $@ $(filter-out %.h,$^) -ldl

check-fuzz: $(FUZZ_DIR)/oracle
	@tests/fuzz/run $< 30 $(or $(SEED),1)

fuzz: $(FUZZ_DIR)/oracle
	@tests/fuzz/run $< $(SECONDS) "$(SEED)" $(THREADS)

fuzz-reduce: $(FUZZ_DIR)/oracle
	$< -r -s $(or $(SEED),1) -n $(OPS)

# The library is compiled anew, so that the fuzzer sees its branches.
$(FUZZ_DIR)/libfuzzer: $(ORACLE) $(SRCS)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -Wno-unused-command-line-argument -O1 \
		-fsanitize=fuzzer -DORACLE_LIBFUZZER -ftls-model=initial-exec \
		-fexceptions \
		-o $@ $(filter-out %.h,$^) -ldl

fuzz-libfuzzer: $(FUZZ_DIR)/libfuzzer
	@mkdir -p $(FUZZ_DIR)/corpus
	@seq 1 2000 >$(FUZZ_DIR)/corpus/numbers
	$< -max_total_time=$(SECONDS) -max_len=65536 -len_control=0 \
		-rss_limit_mb=4096 \
		$(FUZZ_DIR)/corpus

# Built by AFL++'s compiler; it writes the words to the oracle's input.
AFL_BUILD := $(BUILD)/afl
AFL_ENV = AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 \
	AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1

fuzz-afl:
	@scripts/install-deps afl++
	$(MAKE) --no-print-directory BUILD=$(AFL_BUILD) CC=afl-clang-fast \
		$(AFL_BUILD)/tests/fuzz/oracle
	@mkdir -p $(AFL_BUILD)/in && rm -rf $(AFL_BUILD)/out
	@seq 1 2000 >$(AFL_BUILD)/in/numbers
	$(AFL_ENV) afl-fuzz -V $(SECONDS) -m none -t 10000 -i $(AFL_BUILD)/in \
		-o $(AFL_BUILD)/out -- $(AFL_BUILD)/tests/fuzz/oracle -
	@! ls $(AFL_BUILD)/out/default/crashes $(AFL_BUILD)/out/default/hangs | \
		grep '^id'

FAULTS_BUILD := $(BUILD)/faults
FAULTS_OBJS = $(OBJS:$(BUILD)/obj/%=$(FAULTS_BUILD)/obj/%)

FAULTS_FILES := $(addprefix tests/faults/,faults.c workload.c)

$(FAULTS_BUILD)/faults: $(FAULTS_FILES) tests/faults/faults.h $(FUZZ_H) $(SRCS)
	$(MAKE) --no-print-directory BUILD=$(FAULTS_BUILD) \
		EXTRA_CFLAGS="$(EXTRA_CFLAGS) -DLIBALLOC_FAULTS" \
		$(FAULTS_OBJS)
	$(CC) $(FUZZ_FLAGS) -DLIBALLOC_FAULTS -O1 -o $@ \
		$(FAULTS_FILES) $(FAULTS_OBJS) -ldl

check-faults: $(FAULTS_BUILD)/faults
	@$< $(FAULTS_ARGS)
	@tests/faults/leaves $<

.PHONY: fuzz check-fuzz fuzz-reduce fuzz-libfuzzer fuzz-afl check-faults
