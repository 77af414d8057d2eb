/*
 * percpu_ops_test.c - R1 to R6: is every restartable sequence what its
 * pseudocode says, also when it is interrupted at any of its instructions?
 *
 * The sequences take the offset of struct rseq as an argument.  Given an area
 * of our own instead of the registered one, the kernel knows nothing of the
 * section, and it can be single-stepped: so we see every instruction, and
 * what each of them writes.  Then a breakpoint goes on each instruction in
 * turn, with the registered area: its handler uses the same sheaf, and the
 * interrupted sequence must fail and leave no trace.
 */
#include "unit.h"

#include <sys/rseq.h>
#include <ucontext.h>

#include "mm/percpu_block.h"

/* unit.mk may compile this file at several levels of optimisation. */
#ifndef OPS_SUITE
#define OPS_SUITE percpu_ops
#endif
#define OPS_TEST(suite, ...) Test(suite, __VA_ARGS__)

#define CAPACITY 16
#define OFF	 64	/* of the head in a block */
#define CPUS	 64

/* Blocks for every index there can be, as percpu.c lays them out. */
static char *blocks;
static uintptr_t base;
static long real;	/* offset of the registered area */

static struct sheaf_head *head(u32 cpu)
{
	return (struct sheaf_head *)(blocks + ((size_t)cpu << PERCPU_SHIFT) +
				     OFF);
}

static void **array(u32 cpu)
{
	return (void **)((char *)head(cpu) + 4096);
}

/* Objects are told by number; an object is never NULL, and 16-aligned. */
static void *obj(uintptr_t n)
{
	return (void *)(n << 4);
}

static void **lo(u32 cpu)
{
	return head_slot(head(cpu), head(cpu)->lo);
}

static void fill(u32 cpu, u32 n)
{
	struct sheaf_head *h = head(cpu);

	*h = (struct sheaf_head){
		.cur = array(cpu) + n,
		.bounds = bounds_of(array(cpu), CAPACITY),
		.guess = n ? obj(99 + n) : NULL,
		.magic = MAGIC_ALIGNED,
		.start_mask = 15,
	};
	array(cpu)[-1] = NULL;
	for (u32 i = 0; i < CAPACITY; i++)
		array(cpu)[i] = obj(i < n ? 100 + i : 0xbad);
}

static void setup(void)
{
	struct sys_rseq r;

	sys_init();
	sys_rseq_probe(&r);
	real = r.offset;
	blocks = sys_reserve(CPUS * (size_t)PERCPU_STRIDE, PERCPU_STRIDE);
	cr_assert(blocks && sys_commit(blocks, CPUS * (size_t)PERCPU_STRIDE));
	base = (uintptr_t)blocks - PERCPU_BIAS;
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		fill(cpu, 5);
	if (!r.cpu_id)
		cr_skip_test("no restartable sequences");
}

/* --- the operations, out of line, with a place each --- */

static void *dst[CAPACITY + 2];
static void *src[CAPACITY + 2];
static uintptr_t stored;
static void *to_push;

#define OPS(X)								\
	X(pop_cid, (uintptr_t)arch_pop_cid(base, rseq, OFF))		\
	X(pop_cpu, (uintptr_t)arch_pop_cpu(base, rseq, OFF))		\
	X(pop_guess_cid, (uintptr_t)arch_pop_guess_cid(base, rseq, OFF))\
	X(push_cid, arch_push_cid(base, rseq, OFF, to_push))		\
	X(push_cpu, arch_push_cpu(base, rseq, OFF, to_push))		\
	X(pop_batch, arch_pop_batch(base, rseq, RSEQ_OFF_CPU_ID, OFF,	\
				    dst, 3))				\
	X(push_batch, arch_push_batch(base, rseq, RSEQ_OFF_CPU_ID, OFF,	\
				      src, 3))				\
	X(store, arch_percpu_store(rseq, RSEQ_OFF_CPU_ID, 0, &stored,	\
				   77))

#define DEFINE_OP(name, call)						\
static __attribute__((noinline)) uintptr_t op_##name(long rseq)	\
{									\
	return call;							\
}
OPS(DEFINE_OP)

static const struct op {
	const char *name;
	uintptr_t (*run)(long rseq);
	uintptr_t ok;		/* what it returns on cpu 0 with 5 objects */
	int moves;		/* of cur, in slots */
} ops[] = {
	{ "pop_cid", op_pop_cid, 104 << 4, -1 },
	{ "pop_cpu", op_pop_cpu, 104 << 4, -1 },
	{ "pop_guess_cid", op_pop_guess_cid, 104 << 4, -1 },
	{ "push_cid", op_push_cid, 1, 1 },
	{ "push_cpu", op_push_cpu, 1, 1 },
	{ "pop_batch", op_pop_batch, 3, -3 },
	{ "push_batch", op_push_batch, 3, 3 },
	{ "store", op_store, 1, 0 },
};

/* An area the kernel does not know; its index is 0. */
static __thread struct fake {
	char bytes[64];
} fake __attribute__((aligned(32)));

static long fake_offset(void)
{
	return (long)((uintptr_t)&fake - arch_thread_pointer());
}

static void prepare(void)
{
	fill(0, 5);
	to_push = obj(200);
	stored = 0;
	for (u32 i = 0; i < ARRAY_SIZE(src); i++)
		src[i] = obj(300 + i), dst[i] = obj(0xbad);
}

/* What the operation leaves behind on CPU 0. */
static void check_done(const struct op *op)
{
	struct sheaf_head *h = head(0);

	cr_assert_eq(h->cur - lo(0), 5 + op->moves, "%s", op->name);
	if (!strncmp(op->name, "push_c", 6))
		cr_assert_eq(lo(0)[5], obj(200), "%s", op->name);
	if (op->run == op_push_batch)
		for (int i = 0; i < 3; i++)
			cr_assert_eq(lo(0)[5 + i], obj(300 + (u32)i));
	if (op->run == op_pop_batch) {
		for (int i = 0; i < 3; i++)
			cr_assert_eq(dst[i], obj(102 + (u32)i));
		cr_assert_eq(dst[3], obj(0xbad));
	}
	cr_assert_eq(stored, op->run == op_store ? 77 : 0);
	for (u32 i = 0; i < 5 && op->moves >= 0; i++)
		cr_assert_eq(lo(0)[i], obj(100 + i));
}

OPS_TEST(OPS_SUITE, each_does_what_it_says, .init = setup)
{
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		const struct op *op = &ops[i];

		memset(&fake, 0, sizeof(fake));
		prepare();
		cr_assert_eq(op->run(fake_offset()), op->ok, "%s", op->name);
		check_done(op);
#ifdef __x86_64__
		cr_assert_eq(head(0)->guess, head(0)->cur[-1], "%s", op->name);
#endif
	}
}

/* R1: of the whole area only rseq_cs changes. */
OPS_TEST(OPS_SUITE, only_rseq_cs_is_written, .init = setup)
{
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		memset(&fake, 0, sizeof(fake));
		memset(fake.bytes + 32, 0x5a, 32);
		prepare();
		ops[i].run(fake_offset());
		for (u32 b = 0; b < sizeof(fake); b++) {
			if (b >= RSEQ_OFF_RSEQ_CS && b < RSEQ_OFF_RSEQ_CS + 8)
				continue;
			cr_assert_eq(fake.bytes[b], b < 32 ? 0 : 0x5a,
				     "%s wrote byte %u", ops[i].name, b);
		}
	}
}

static void set_fake_index(u32 cpu_id, u32 mm_cid)
{
	memset(&fake, 0, sizeof(fake));
	memcpy(fake.bytes + RSEQ_OFF_CPU_ID, &cpu_id, 4);
	memcpy(fake.bytes + RSEQ_OFF_MM_CID, &mm_cid, 4);
}

/* R3: each uses the index it is for, and the block that belongs to it. */
OPS_TEST(OPS_SUITE, the_index_picks_the_block, .init = setup)
{
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		bool cid = strstr(ops[i].name, "cid") != NULL;

		if (ops[i].run == op_store)
			continue;
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			fill(cpu, 5);
		to_push = obj(200);
		set_fake_index(cid ? 3 : 41, cid ? 41 : 3);
		cr_assert_neq(ops[i].run(fake_offset()), 0);
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			cr_assert_eq(head(cpu)->cur - lo(cpu),
				     cpu == 41 ? 5 + ops[i].moves : 5,
				     "%s, cpu %u", ops[i].name, cpu);
	}
	set_fake_index(1, 0);
	stored = 0;
	cr_assert(!op_store(fake_offset()));
	cr_assert_eq(stored, 0);
}

OPS_TEST(OPS_SUITE, limits_of_pop_and_push, .init = setup)
{
	long at = fake_offset();

	memset(&fake, 0, sizeof(fake));
	fill(0, 0);
	cr_assert_eq(op_pop_cid(at), 0);
	cr_assert_eq(op_pop_cpu(at), 0);
	cr_assert_eq(op_pop_guess_cid(at), 0);
	cr_assert_eq(op_pop_batch(at), 0);
	cr_assert_eq(head(0)->cur, lo(0));

	for (u32 i = 0; i < CAPACITY; i++) {
		to_push = obj(i + 1);
		cr_assert(i % 2 ? op_push_cid(at) : op_push_cpu(at));
	}
	to_push = obj(99);
	cr_assert(!op_push_cid(at));
	cr_assert(!op_push_cpu(at));
	cr_assert_eq(op_push_batch(at), 0);
	cr_assert_eq(head(0)->cur, head_slot(head(0), head(0)->hi));
	for (u32 i = CAPACITY; i-- > 0;)
		cr_assert_eq(i % 2 ? op_pop_cid(at) : op_pop_cpu(at),
			     (uintptr_t)obj(i + 1), "last in, first out");
}

OPS_TEST(OPS_SUITE, a_closed_head_refuses, .init = setup)
{
	long at = fake_offset();

	memset(&fake, 0, sizeof(fake));
	to_push = obj(1);
	for (int zero = 0; zero < 2; zero++) {
		fill(0, 5);
		if (zero)
			memset(head(0), 0, sizeof(struct sheaf_head));
		else
			head(0)->bounds = BOUNDS_CLOSED;
		for (u32 i = 0; i + 1 < ARRAY_SIZE(ops); i++)
			cr_assert_eq(ops[i].run(at), 0, "%s", ops[i].name);
		cr_assert_eq(head(0)->cur, zero ? NULL : array(0) + 5);
	}
}

OPS_TEST(OPS_SUITE, push_refuses_the_top_and_the_misaligned, .init = setup)
{
	long at = fake_offset();

	memset(&fake, 0, sizeof(fake));
	for (int cid = 0; cid < 2; cid++) {
		uintptr_t (*push)(long) = cid ? op_push_cid : op_push_cpu;

		fill(0, 5);
		to_push = obj(104);
		cr_assert(!push(at), "it lies on top");
		to_push = obj(103);
		cr_assert(push(at));
		fill(0, 0);
		to_push = obj(104);
		cr_assert(push(at), "below lo there is no object");
		for (u32 bit = 0; bit < 4; bit++) {
			to_push = (char *)obj(7) + (1 << bit);
			cr_assert(!push(at), "bit %u", bit);
		}
		head(0)->start_mask = 255;
		to_push = (void *)(uintptr_t)0x1080;
		cr_assert(!push(at));
		to_push = (void *)(uintptr_t)0x1100;
		cr_assert(push(at));
		cr_assert_eq(head(0)->cur - lo(0), 2);
	}
}

/* Of (address & start_mask) * magic, in 32 bits, the upper half must be 0. */
OPS_TEST(OPS_SUITE, push_refuses_what_starts_no_object, .init = setup)
{
	long at = fake_offset();

	memset(&fake, 0, sizeof(fake));
	for (int cid = 0; cid < 2; cid++) {
		uintptr_t (*push)(long) = cid ? op_push_cid : op_push_cpu;

		for (uintptr_t a = 0; a < 4096; a++) {
			fill(0, 5);
			head(0)->start_mask = 4095;
			head(0)->magic = (u32)(((1ul << 32) + 95) / 96);
			to_push = (void *)(0x7f0000000000 + a);
			cr_assert_eq(push(at), a % 96 == 0, "%zu", a);
		}
	}
}

/* S5: it is taken where the slot says the same, and only there. */
OPS_TEST(OPS_SUITE, a_guess_is_no_promise, .init = setup)
{
	static void *const guesses[] = { NULL, (void *)(103ul << 4),
					 (void *)(105ul << 4), (void *)~0ul };
	long at = fake_offset();

	memset(&fake, 0, sizeof(fake));
#ifdef __x86_64__
	for (u32 i = 0; i < ARRAY_SIZE(guesses); i++) {
		fill(0, 5);
		head(0)->guess = guesses[i];
		cr_assert_eq(op_pop_guess_cid(at), 0);
		cr_assert_eq(head(0)->cur, array(0) + 5);
	}
#endif
	for (u32 i = 0; i < ARRAY_SIZE(guesses); i++) {
		fill(0, 5);
		head(0)->guess = guesses[i];
		cr_assert_eq(op_pop_cid(at), 104 << 4);
		head(0)->guess = guesses[i];
		cr_assert_eq(op_pop_cpu(at), 103 << 4);
		/* From here on it is right, down to the last. */
		cr_assert_eq(op_pop_guess_cid(at), 102 << 4);
		cr_assert_eq(op_pop_guess_cid(at), 101 << 4);
		to_push = obj(7);
		cr_assert(op_push_cid(at));
		cr_assert_eq(op_pop_guess_cid(at), 7 << 4);
		cr_assert_eq(op_pop_guess_cid(at), 100 << 4);
		cr_assert_eq(op_pop_guess_cid(at), 0);
	}
}

OPS_TEST(OPS_SUITE, batches_take_what_there_is, .init = setup)
{
	long at = fake_offset(), idx = RSEQ_OFF_CPU_ID;

	memset(&fake, 0, sizeof(fake));
	for (u32 have = 0; have <= CAPACITY; have++) {
		for (u32 n = 1; n <= CAPACITY + 2; n++) {
			u32 want = min(n, have), room = CAPACITY - have;

			fill(0, have);
			prepare();
			fill(0, have);
			cr_assert_eq(arch_pop_batch(base, at, idx, OFF, dst,
						    n), want);
			for (u32 i = 0; i < want; i++)
				cr_assert_eq(dst[i],
					     obj(100 + have - want + i));
			for (u32 i = want; i < ARRAY_SIZE(dst); i++)
				cr_assert_eq(dst[i], obj(0xbad));
			cr_assert_eq(head(0)->cur - lo(0), have - want);

			fill(0, have);
			want = min(n, room);
			cr_assert_eq(arch_push_batch(base, at, idx, OFF, src,
						     n), want);
			for (u32 i = 0; i < want; i++)
				cr_assert_eq(lo(0)[have + i],
					     obj(300 + i));
			cr_assert_eq(head(0)->cur - lo(0), have + want);
		}
	}
}

/* --- every instruction --- */

struct rseq_cs_desc {
	u32 version, flags;
	u64 start, len, abort;
};

static const struct rseq_cs_desc *desc_of(const struct op *op)
{
	const struct rseq_cs_desc *d;

	memset(&fake, 0, sizeof(fake));
	prepare();
	op->run(fake_offset());
	memcpy(&d, fake.bytes + RSEQ_OFF_RSEQ_CS, sizeof(d));
	return d;
}

/* R6 */
OPS_TEST(OPS_SUITE, descriptors, .init = setup)
{
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		const struct rseq_cs_desc *d = desc_of(&ops[i]);
		u32 sig;

		cr_assert_not_null(d, "%s", ops[i].name);
		cr_assert_eq((uintptr_t)d % 32, 0);
		cr_assert_eq(d->version, 0);
		cr_assert_eq(d->flags, 0);
		cr_assert(d->len > 0 && d->len < 256);
		cr_assert(d->abort - d->start >= d->len, "%s", ops[i].name);
		memcpy(&sig, (void *)(uintptr_t)(d->abort - 4), sizeof(sig));
		cr_assert_eq(sig, RSEQ_SIG);
	}
}

#ifdef __x86_64__

#define TRAP_FLAG 0x100
#define MAX_STEPS 256

static struct step {
	uintptr_t ip;
	void **cur;		/* before the instruction */
	u64 rseq_cs;
	uintptr_t stored;
} steps[MAX_STEPS];
static u32 nr_steps;

static void on_step(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	struct step *s = &steps[nr_steps];

	if (nr_steps == MAX_STEPS)
		return;
	nr_steps++;
	s->ip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	s->cur = head(0)->cur;
	memcpy(&s->rseq_cs, fake.bytes + RSEQ_OFF_RSEQ_CS, 8);
	s->stored = stored;
}

static void on_trap(void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
}

static uintptr_t step_through(const struct op *op, long rseq)
{
	uintptr_t ret;

	nr_steps = 0;
	on_trap(on_step);
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq"
			 : : "i" (TRAP_FLAG) : "memory", "cc");
	ret = op->run(rseq);
	__asm__ volatile("pushfq; andq %0, (%%rsp); popfq"
			 : : "i" (~TRAP_FLAG) : "memory", "cc");
	return ret;
}

/* Index of the first step inside the section, and how many lie in it. */
static u32 section_steps(const struct rseq_cs_desc *d, u32 *first)
{
	u32 nr = 0;

	for (u32 i = 0; i < nr_steps; i++)
		if (steps[i].ip - d->start < d->len) {
			if (!nr++)
				*first = i;
			/* R5: once inside it stays inside. */
			cr_assert_eq(i, *first + nr - 1);
		}
	return nr;
}

OPS_TEST(OPS_SUITE, one_commit_which_is_the_last_instruction, .init = setup)
{
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		const struct op *op = &ops[i];
		const struct rseq_cs_desc *d = desc_of(op);
		u32 first = 0, nr, end;

		memset(&fake, 0, sizeof(fake));
		prepare();
		cr_assert_eq(step_through(op, fake_offset()), op->ok);
		nr = section_steps(d, &first);
		end = first + nr;
		cr_assert(nr >= 3 && end < nr_steps, "%s: %u", op->name, nr);

		/* R2 */
		cr_assert_eq(steps[first].ip, d->start);
		cr_assert_eq(steps[first].rseq_cs, (u64)d);
		cr_assert_eq(steps[first - 1].rseq_cs, 0,
			     "%s: something comes between", op->name);
		/* R4: nothing shows before the last instruction is done. */
		for (u32 s = 0; s < end; s++) {
			cr_assert_eq(steps[s].cur, array(0) + 5);
			cr_assert_eq(steps[s].stored, 0);
		}
		cr_assert_eq(steps[end].cur, array(0) + 5 + op->moves);
		cr_assert_eq(steps[end].ip, d->start + d->len);
		check_done(op);
	}
}

static u8 *bp;
static u8 bp_byte;
static int bp_hits;
static void *bp_leaves;

/*
 * The same sheaf is used by others of the same CPU: here by ourselves.  Who
 * leaves what was on top, as the guess says, shows nothing but its commits.
 */
static void on_breakpoint(int sig, siginfo_t *si, void *ctx)
{
	*(volatile u8 *)bp = bp_byte;
	bp_hits++;
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		fill(cpu, 5);
	for (int i = 0; i < 1000; i++) {
		if (!arch_pop_cid(base, real, OFF))
			continue;
		while (!arch_push_cid(base, real, OFF, bp_leaves))
			;
		return;
	}
}

static void make_writable(const void *at)
{
	uintptr_t page = ALIGN_DOWN((uintptr_t)at, (uintptr_t)4096);

	cr_assert(!mprotect((void *)page, 8192,
			    PROT_READ | PROT_WRITE | PROT_EXEC));
}

/* Who is preempted on the way there has failed, too, which says nothing. */
static uintptr_t run_into(u8 *at, const struct op *op)
{
	uintptr_t ret = 0;

	bp = at;
	bp_byte = *at;
	bp_hits = 0;
	for (u32 tries = 0; tries < 1000 && !bp_hits && !ret; tries++) {
		prepare();
		*(volatile u8 *)at = 0xcc;
		ret = op->run(real);
		*(volatile u8 *)at = bp_byte;
	}
	return ret;
}

/*
 * The breakpoint's address is inside the section, so the kernel must send the
 * thread to the abort handler before the instruction is carried out.
 */
OPS_TEST(OPS_SUITE, interrupted_at_every_instruction, .init = setup)
{
	struct sys_rseq r;

	sys_rseq_probe(&r);
	if (!r.mm_cid)
		cr_skip_test("no mm_cid");
	unit_pin(0);
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		const struct op *op = &ops[i];
		const struct rseq_cs_desc *d = desc_of(op);
		u32 first = 0, nr;

		memset(&fake, 0, sizeof(fake));
		prepare();
		step_through(op, fake_offset());
		nr = section_steps(d, &first);
		on_trap(on_breakpoint);
		make_writable((void *)d->start);
		for (u32 n = 0; n < 2 * nr; n++) {
			u32 s = first + n / 2, changed = 0;
			uintptr_t ret;

			bp_leaves = obj(n % 2 ? 104 : 500);
			ret = run_into((u8 *)steps[s].ip, op);
			if (op->run == op_store && !bp_hits)
				continue;	/* another CPU meanwhile */
			cr_assert_eq(bp_hits, 1, "%s", op->name);
			cr_assert_eq(ret, 0, "%s went on after step %u",
				     op->name, s - first);
			cr_assert_eq(stored, 0);
			/* Only what the handler did is there. */
			for (u32 cpu = 0; cpu < CPUS; cpu++) {
				struct sheaf_head *h = head(cpu);

				cr_assert_eq(h->cur - lo(cpu), 5,
					     "%s committed at step %u",
					     op->name, s - first);
				for (u32 o = 0; o < 4; o++)
					cr_assert_eq(lo(cpu)[o], obj(100 + o));
				changed += lo(cpu)[4] == obj(500);
			}
			cr_assert_eq(changed, bp_leaves == obj(500));
		}
	}
}

/* R6: nothing retries by itself, so a debugger's steps make progress. */
OPS_TEST(OPS_SUITE, single_stepping_makes_progress, .init = setup)
{
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			fill(cpu, 5);
		to_push = obj(200);
		stored = 0;
		cr_assert_eq(step_through(&ops[i], real), 0, "%s",
			     ops[i].name);
		cr_assert_lt(nr_steps, MAX_STEPS);
		for (u32 cpu = 0; cpu < CPUS; cpu++)
			cr_assert_eq(head(cpu)->cur - lo(cpu), 5);
		cr_assert_eq(stored, 0);
	}
}

#endif /* __x86_64__ */

/* --- storms --- */

#define NR_OBJECTS 400

static u8 owner[NR_OBJECTS + 1];	/* 1: in a hand, 2: in a sheaf */
static long handled, doubled;

static uintptr_t number(void *p)
{
	return (uintptr_t)p >> 4;
}

static void *storm_pop(int way)
{
	void *one[1];

	switch (way % 3) {
	case 0:
		return arch_pop_cid(base, real, OFF);
	case 1:
		return arch_pop_guess_cid(base, real, OFF);
	default:
		return arch_pop_batch(base, real, RSEQ_OFF_MM_CID, OFF, one,
				      1) ? one[0] : NULL;
	}
}

static bool storm_push(int way, void *p)
{
	return way % 2 ? arch_push_cid(base, real, OFF, p) :
			 arch_push_batch(base, real, RSEQ_OFF_MM_CID, OFF,
					 &p, 1);
}

/* Take one object and put it back, or note that it had two owners. */
static void take_and_give(int way)
{
	void *p = storm_pop(way);

	if (!p)
		return;
	if (__atomic_exchange_n(&owner[number(p)], 1, __ATOMIC_RELAXED) != 2)
		__atomic_fetch_add(&doubled, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&owner[number(p)], 2, __ATOMIC_RELAXED);
	while (!storm_push(way, p))
		;
}

static void on_alarm(int sig)
{
	__atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		take_and_give(i);
}

static int stop;

static void *storm(void *arg)
{
	for (int i = 0; !READ_ONCE(stop); i++)
		take_and_give(i);
	return NULL;
}

/* Threads, their migration, and a handler that meets itself. */
OPS_TEST(OPS_SUITE, signals_and_threads, .init = setup, .timeout = 60)
{
	struct itimerval every = { { 0, 50 }, { 0, 50 } };
	u32 found = 0, next = 1, nr = sys_nr_cpus();
	u64 start = unit_now_ns();
	struct sys_rseq r;
	pthread_t t[3];

	sys_rseq_probe(&r);
	if (!r.mm_cid || nr > CPUS)
		cr_skip_test("no mm_cid");
	for (u32 cpu = 0; cpu < nr; cpu++) {
		fill(cpu, 0);
		/* Room for all, since a push waits until it succeeds. */
		head(cpu)->bounds = bounds_of(array(cpu), NR_OBJECTS);
	}
	for (u32 cpu = 0; cpu < nr; cpu++)
		for (u32 i = 0; i < NR_OBJECTS / nr; i++) {
			owner[next] = 2;
			*head(cpu)->cur++ = obj(next++);
		}
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, storm, NULL);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (unit_go_on(start, 600, READ_ONCE(handled) > 100))
		for (int i = 0; i < 100; i++)
			take_and_give(i);
	memset(&every, 0, sizeof(every));
	setitimer(ITIMER_REAL, &every, NULL);
	WRITE_ONCE(stop, 1);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);

	cr_assert_gt(handled, 100);
	cr_assert_eq(doubled, 0);
	for (u32 cpu = 0; cpu < nr; cpu++)
		for (void **p = lo(cpu); p < head(cpu)->cur; p++) {
			cr_assert_eq(owner[number(*p)], 2, "twice");
			owner[number(*p)] = 0;
			found++;
		}
	cr_assert_eq(found, next - 1);
}
