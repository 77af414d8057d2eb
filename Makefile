# liballoc: `make` builds build/liballoc.so and build/liballoc.a.
# Everything made lies under build/.

BUILD ?= build
CC ?= gcc
OPT ?= -O2
# clang knows no such kind of shadow.
SHADOW = $(if $(findstring clang,$(CC)),,-Wshadow=compatible-local)
WARN = -Wall -Wextra $(SHADOW) -Wundef -Wstrict-prototypes \
       -Wmissing-prototypes -Wpointer-arith -Wno-unused-parameter
CFLAGS ?= $(OPT) -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) $(EXTRA_CFLAGS) $(OBJ_CFLAGS) -Isrc -Iinclude -fPIC \
	-fvisibility=hidden -fdata-sections -ffunction-sections -fno-builtin-malloc -fno-builtin-free \
	-fno-builtin-calloc -fno-builtin-realloc -fno-strict-aliasing \
	-fno-semantic-interposition -ftls-model=initial-exec \
	-fcf-protection=none -fno-stack-protector -fno-plt
VERSION := $(shell sed -n 's/.*LIBALLOC_VERSION\t"\(.*\)"/\1/p' include/liballoc.h)
SONAME := liballoc.so.$(firstword $(subst ., ,$(VERSION)))
LIB_LDFLAGS = -shared -Wl,-soname,$(SONAME) -Wl,-z,nodelete -Wl,-z,initfirst \
	-Wl,-z,noseparate-code -Wl,--sort-section=alignment -Wl,-z,relro -Wl,-z,now -Wl,--hash-style=gnu \
	-Wl,--version-script=src/api/liballoc.map

LAYERS = arch lib sys core mm slab api
SRCS = $(sort $(foreach l,$(LAYERS),$(wildcard src/$(l)/*.c)))
# What a small program never calls comes last, and small, so that it maps less.
COLD = $(wildcard $(addprefix src/,sys/low.c sys/program.c sys/thp.c sys/file.c core/report.c core/trace.c \
	sys/guard.c mm/guard.c slab/harden.c slab/harden_quarantine.c slab/harden_map.c \
	slab/harden_large.c slab/harden_range.c lib/rbtree.c mm/vmap.c mm/vmap_lazy.c mm/vmap_seg.c mm/vmalloc.c \
	mm/khugepaged.c mm/rcu.c mm/vmstat.c mm/buddyinfo.c api/cxx.c api/info.c \
	api/pages.c api/vmem.c))
COLD += src/sys/copy.c src/slab/slabinfo.c src/slab/slab_check.c src/slab/slab_root.c src/mm/mm_root.c src/api/uaccess.c
COLD += src/api/kmem.c src/slab/kmem_create.c src/slab/slab_rcu.c
COLD += $(wildcard src/slab/slab_debug.c src/slab/sheaf_caller.c)
COLD += src/slab/kmalloc_own.c src/api/kmalloc_api.c src/api/rcu_api.c
COLD += src/sys/fault.c src/mm/stack.c src/api/stack.c
COLD += src/sys/room.c src/sys/pressure.c src/mm/pressure.c src/mm/shrinker.c \
	src/api/shrinker.c src/api/list_lru.c src/mm/page_ref.c \
	src/api/page_ref.c
COLD += src/slab/mempool.c src/api/mempool_api.c src/api/refcount_api.c
OBJS = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(filter-out $(COLD),$(SRCS)) $(COLD))

all: $(BUILD)/liballoc.so $(BUILD)/liballoc.a $(BUILD)/alloc-slabtop

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Where system calls or people are waited for, size counts.
SMALL = $(filter-out api/cxx api/kmem api/kmalloc_api slab/harden slab/harden_quarantine,$(COLD:src/%.c=%)) sys/numa sys/cgroup sys/cpu \
	core/options mm/memblock mm/watermark mm/vmap_area mm/zone \
	mm/pagemap mm/vmscan slab/kmem_cache lib/fmt
$(SMALL:%=$(BUILD)/obj/%.o): OBJ_CFLAGS = -Os

# C frames between a throwing operator new and its caller must unwind.
$(BUILD)/obj/api/cxx.o: OBJ_CFLAGS = -fexceptions

# Added to the linker's own script: constants, then what all programs run.
$(BUILD)/order.ld: src/api/liballoc.order src/api/order.awk Makefile
	@mkdir -p $(@D)
	awk -v cold="$(COLD:src/%.c=%)" -f src/api/order.awk $< >$@

$(BUILD)/liballoc.so: $(OBJS) src/api/liballoc.map $(BUILD)/order.ld
	$(CC) $(CFLAGS) $(EXTRA_LDFLAGS) $(LIB_LDFLAGS) -Wl,-T,$(BUILD)/order.ld -o $@ $(OBJS)
	ln -sf $(@F) $(BUILD)/$(SONAME)

# One relocatable object whose internals are local: a program's own
# kmem_cache_create() does not meet ours.
$(BUILD)/liballoc.a: $(OBJS)
	$(LD) -r -o $(BUILD)/liballoc.o $(OBJS)
	$(OBJCOPY) --localize-hidden $(BUILD)/liballoc.o
	rm -f $@
	$(AR) rcs $@ $(BUILD)/liballoc.o

# For other processes: not part of the library, and with libc's malloc.
TOOL_OBJS = $(addprefix $(BUILD)/obj/tools/,slabtop.o target.o pages.o)
$(BUILD)/alloc-slabtop: $(TOOL_OBJS)
	$(CC) $(CFLAGS) $(EXTRA_LDFLAGS) -o $@ $^

OBJCOPY ?= objcopy

-include $(OBJS:.o=.d) $(TOOL_OBJS:.o=.d)

clean:
	rm -rf $(BUILD)

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
HEADERS := $(patsubst include/%,%,$(shell find include -name '*.h'))
INSTALLED = $(LIBDIR)/liballoc.so.$(VERSION) $(LIBDIR)/$(SONAME) \
	$(LIBDIR)/liballoc.so $(LIBDIR)/liballoc.a $(LIBDIR)/pkgconfig/liballoc.pc \
	$(BINDIR)/alloc-slabtop $(MANDIR)/man1/alloc-slabtop.1 \
	$(MANDIR)/man7/liballoc.7 $(HEADERS:%=$(INCLUDEDIR)/%)

# The loader looks into a file of what its folders have, which root may write:
# a user's own PREFIX goes without.  Under DESTDIR it is another machine's.
LDCONFIG ?= $(firstword $(wildcard /sbin/ldconfig /usr/sbin/ldconfig) ldconfig)
TELL_LOADER = [ -n "$(DESTDIR)" ] || $(LDCONFIG) 2>/dev/null || :

install: all
	install -d $(sort $(dir $(INSTALLED:%=$(DESTDIR)%)))
	install -m 755 $(BUILD)/liballoc.so $(DESTDIR)$(LIBDIR)/liballoc.so.$(VERSION)
	ln -sf liballoc.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/liballoc.so
	install -m 644 $(BUILD)/liballoc.a $(DESTDIR)$(LIBDIR)
	sed 's|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' \
		src/api/liballoc.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/liballoc.pc
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/liballoc.pc
	install -m 755 $(BUILD)/alloc-slabtop $(DESTDIR)$(BINDIR)
	install -m 644 src/tools/alloc-slabtop.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 src/api/liballoc.7 $(DESTDIR)$(MANDIR)/man7
	for h in $(HEADERS); do \
		install -m 644 include/$$h $(DESTDIR)$(INCLUDEDIR)/$$h || exit; done
	@$(TELL_LOADER)

uninstall:
	rm -f $(INSTALLED:%=$(DESTDIR)%)
	-rmdir $(addprefix $(DESTDIR)$(INCLUDEDIR)/,liballoc/linux/sched \
		liballoc/linux liballoc)
	@$(TELL_LOADER)

.PHONY: all clean install uninstall

include bench/bench.mk
include tests/tests.mk
include tests/litmus/litmus.mk
-include tests/strict/strict.mk
-include tests/unit.mk
-include tests/all.mk
-include tests/vm/vm.mk
include tests/practice/practice.mk
include tests/pressure/pressure.mk
include tests/fuzz/fuzz.mk
include tests/modules/modules.mk
include tests/slabtop/slabtop.mk
include tests/rseq/rseq.mk
include tests/fork/fork.mk

# What must hold before a change lands: minutes on two cores.
check: all
	@scripts/check-layers.sh
	@scripts/check-exports.sh
	@scripts/check-options.sh $(BUILD)/liballoc.so
	@scripts/check-install.sh
	@scripts/count-insns -m malloc=23 -m free=27
	@$(if $(filter gcc cc,$(CC)),scripts/check-order.sh $(BUILD)/liballoc.so)
	$(MAKE) check-unit
	$(MAKE) check-litmus
	$(MAKE) check-conformance
	$(MAKE) check-misuse
	$(MAKE) check-practice
	$(MAKE) check-modules
	$(MAKE) check-static
	$(MAKE) check-strict
	$(MAKE) check-preload
	$(MAKE) check-slabtop
	$(MAKE) check-pressure
	$(MAKE) check-stress
	$(MAKE) check-rseq
	$(MAKE) check-trace
	$(MAKE) check-bench
	$(MAKE) check-soak
	$(MAKE) check-fork
	$(MAKE) check-fuzz
	$(MAKE) check-faults
	$(MAKE) check-aarch64
	$(MAKE) check-musl
	@echo "check: all passed"

# The other architecture compiles without a warning, and where it can be
# emulated its fallback runs (qemu-user has no restartable sequences).
ARM_CC ?= aarch64-linux-gnu-gcc
ARM_RUN ?= qemu-aarch64 -L /usr/aarch64-linux-gnu
ARM_MAKE = $(MAKE) BUILD=$(BUILD)/aarch64 CC=$(ARM_CC) \
	LD=aarch64-linux-gnu-ld OBJCOPY=aarch64-linux-gnu-objcopy \
	AR=aarch64-linux-gnu-ar EXTRA_CFLAGS=-Werror

check-aarch64:
	@if command -v $(ARM_CC) >/dev/null; then \
		$(ARM_MAKE) all $(ARM_PROGS) && \
		if command -v qemu-aarch64 >/dev/null; then \
			$(ARM_RUN) $(BUILD)/aarch64/static/threads 2 1 && \
			$(ARM_RUN) $(BUILD)/aarch64/static/system_calls 2 1 && \
			tests/fork/emulated "$(ARM_RUN)" \
				$(BUILD)/aarch64/tests/fork/torture 2 1; fi; \
	else echo "check-aarch64: skipped, no $(ARM_CC)"; fi

ARM_PROGS = $(addprefix $(BUILD)/aarch64/,static/threads static/system_calls \
	tests/fork/torture)

# musl's headers differ: the library compiles with them without a warning, too
# (make check-all ALL_ONLY=ports runs it).  The kernel's are not among them.
MUSL_CC ?= musl-gcc
MUSL_MAKE = $(MAKE) BUILD=$(BUILD)/musl CC=$(MUSL_CC) EXTRA_CFLAGS="-Werror \
	-idirafter /usr/include -idirafter /usr/include/$$(gcc -dumpmachine)"

check-musl:
	@if command -v $(MUSL_CC) >/dev/null; then \
		$(MUSL_MAKE) $(BUILD)/musl/liballoc.so; \
	else echo "check-musl: skipped, no $(MUSL_CC)"; fi

# A stress program with the library linked in.
$(BUILD)/static/%: tests/stress/%.c $(BUILD)/liballoc.a
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -static -pthread -fno-builtin \
		-o $@ $^

# Benchmarks: minutes; QUICK=1 for one round, ONLY="pair batch" for some.
bench: all bench-build
	BUILD=$(BUILD) scripts/bench

# What hardened=1 costs: a minute.
bench-hardened: all bench-build
	BUILD=$(BUILD) scripts/bench-hardened

.PHONY: bench bench-hardened check check-aarch64 check-musl
