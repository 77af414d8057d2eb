/*
 * sheaves.h - sheaves of numbers, for the tests of mm/percpu*.c.
 */
#ifndef TESTS_UNIT_SHEAVES_H
#define TESTS_UNIT_SHEAVES_H

#include "unit.h"

#define OFF(n)	((100 + (u32)(n)) << SHEAF_HEAD_SHIFT)
#define NR_SHEAVES 24
#define NR_IDS	4000

static inline void *obj(uintptr_t id)
{
	return (void *)(id << 4);
}

static inline uintptr_t id_of(const void *p)
{
	return (uintptr_t)p >> 4;
}

static inline struct sheaf_geometry geometry(u32 off)
{
	return (struct sheaf_geometry){
		.off = off,
		.magic = MAGIC_ALIGNED,
		.start_mask = 15,
		.size_code = 7,
	};
}

static inline bool grow(u32 off, u32 capacity)
{
	struct sheaf_geometry geo = geometry(off);

	return percpu_grow(&geo, capacity);
}

/* A refusal may be an abort: ask again, as the slow paths would. */
static inline bool push(u32 off, void *p)
{
	for (int i = 0; i < 20; i++)
		if (percpu_push(off, p))
			return true;
	return false;
}

static inline void *pop(u32 off)
{
	for (int i = 0; i < 20; i++) {
		void *p = percpu_pop(off);

		if (p)
			return p;
	}
	return NULL;
}

/* mm_cid may move between threads of a process, but not with one thread. */
static inline void alone(void)
{
	unit_pin(0);
}

/* Every head is open within its bounds or closed: S1, S2. */
static inline bool heads_are_valid(void)
{
	for (u32 cpu = 0; cpu < percpu_nr_cpus(); cpu++)
		for (u32 n = 0; n < NR_SHEAVES; n++) {
			struct sheaf_head *h = percpu_head(cpu, OFF(n));

			void **lo = head_slot(h, h->lo);

			if (!h->hi) {
				if (h->lo && h->lo != UINT32_MAX)
					return false;
				continue;
			}
			if (lo > h->cur || h->cur > head_slot(h, h->hi) ||
			    lo[-1])
				return false;
		}
	return true;
}

#endif
