/*
 * model.c - what the oracle knows of each block: whose its bytes are (O1), what
 * they are (O2), where it may lie (O3), and how much all large ones take.
 */
#include <sys/mman.h>

#include "oracle.h"

#define GRAIN		8
#define SPACE_BITS	47

static u64 *space;			/* O1; atomic words */

bool print;
bool may_refuse;
u64 now_op;
u64 nr_failed;

void fail(const char *what, const void *p, size_t n)
{
	char line[200];
	int len = snprintf(line, sizeof(line),
			   "oracle: %s: %p, %zu, operation %lu\n", what, p, n,
			   (unsigned long)now_op);

	if (write(2, line, (size_t)len) != len)
		_exit(4);
	abort();
}

void say(const struct thread *t, u64 i, const char *what, u32 n, size_t size)
{
	if (print)
		printf("%u.%lu: %s slot %u, %zu\n", t->nr, (unsigned long)i,
		       what, n, size);
}

/* --- O1 --- */

void space_init(void)
{
	space = mmap(NULL, (size_t)1 << (SPACE_BITS - 6),
		     PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (space == MAP_FAILED) {
		perror("oracle: no address space for the model");
		exit(3);
	}
}

/* The words of the bits of [p, p + size), and each one's mask. */
#define for_each_word(p, size, word, mask)				\
	for (u64 bit_ = (uintptr_t)(p) / GRAIN,				\
	     end_ = ((uintptr_t)(p) + (size) - 1) / GRAIN + 1,		\
	     word, mask; bit_ < end_ && (word = bit_ / 64,		\
	     mask = ~(u64)0 << bit_ % 64 &				\
		    (end_ - word * 64 < 64 ?				\
		     ((u64)1 << (end_ - word * 64)) - 1 : ~(u64)0), true); \
	     bit_ = (word + 1) * 64)

void space_take(const void *p, size_t size)
{
	for_each_word(p, size, word, mask)
		if (__atomic_fetch_or(&space[word], mask, __ATOMIC_RELAXED) &
		    mask)
			fail("it overlaps a live block", p, size);
}

void space_give(const void *p, size_t size)
{
	for_each_word(p, size, word, mask)
		if ((__atomic_fetch_and(&space[word], ~mask,
					__ATOMIC_RELAXED) & mask) != mask)
			fail("the model has lost a block", p, size);
}
/* --- O2 --- */

void check(const struct slot *s)
{
	if (!stamp_is_kept(s->p, s->size, s->tag, s->size))
		fail("its bytes have changed", s->p, s->size);
}

/* --- all of it --- */

void account(struct thread *t, const struct slot *s, bool more)
{
	if (s->size > 65536)
		t->large += more ? s->size : -s->size;
}

void accept(struct thread *t, struct slot *s, size_t align)
{
	if ((uintptr_t)s->p % align)
		fail("it is not aligned", s->p, align);
	space_take(s->p, s->size);
	account(t, s, true);
	stamp(s->p, s->size, s->tag);
}

bool refused(struct slot *s)
{
	if (s->p)
		return false;
	if (errno != ENOMEM || !may_refuse)
		fail("NULL", NULL, s->size);
	__atomic_fetch_add(&nr_failed, 1, __ATOMIC_RELAXED);
	s->kind = NOTHING;
	return true;
}
