# liballoc: `make` builds build/liballoc.so and build/liballoc.a.
# Everything made lies under build/.

BUILD ?= build
CC ?= gcc
OPT ?= -O2
WARN = -Wall -Wextra -Wshadow=compatible-local -Wundef -Wstrict-prototypes \
       -Wmissing-prototypes -Wpointer-arith -Wno-unused-parameter
CFLAGS ?= $(OPT) -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) $(EXTRA_CFLAGS) -Isrc -fPIC \
	-fvisibility=hidden -fno-builtin-malloc -fno-builtin-free \
	-fno-builtin-calloc -fno-builtin-realloc -fno-strict-aliasing \
	-fno-semantic-interposition -ftls-model=initial-exec \
	-fcf-protection=none -fno-stack-protector -fno-plt
LIB_LDFLAGS = -shared -Wl,-soname,liballoc.so -Wl,-z,nodelete \
	-Wl,-z,relro -Wl,-z,now -Wl,--hash-style=gnu \
	-Wl,--version-script=src/api/liballoc.map

LAYERS = arch lib sys core mm slab api
SRCS = $(sort $(foreach l,$(LAYERS),$(wildcard src/$(l)/*.c)))
OBJS = $(SRCS:src/%.c=$(BUILD)/obj/%.o)

all: $(BUILD)/liballoc.so $(BUILD)/liballoc.a

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# C frames between a throwing operator new and its caller must unwind.
$(BUILD)/obj/api/cxx.o: EXTRA_CFLAGS += -fexceptions

$(BUILD)/liballoc.so: $(OBJS) src/api/liballoc.map
	$(CC) $(CFLAGS) $(EXTRA_LDFLAGS) $(LIB_LDFLAGS) -o $@ $(OBJS)

# One relocatable object whose internals are local: a program's own
# kmem_cache_create() does not meet ours.
$(BUILD)/liballoc.a: $(OBJS)
	$(LD) -r -o $(BUILD)/liballoc.o $(OBJS)
	$(OBJCOPY) --localize-hidden $(BUILD)/liballoc.o
	rm -f $@
	$(AR) rcs $@ $(BUILD)/liballoc.o

OBJCOPY ?= objcopy

-include $(OBJS:.o=.d)

clean:
	rm -rf $(BUILD)

.PHONY: all clean

include bench/bench.mk
-include tests/tests.mk

bench: all bench-build
	BUILD=$(BUILD) scripts/bench

.PHONY: bench
