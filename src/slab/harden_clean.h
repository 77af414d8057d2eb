/*
 * harden_clean.h - what hardened=1 wipes of an object when it is freed, and
 * looks at when it is given out again: all of a small one, both ends of a large
 * one, or with hardened=2 all of any.  By pairs of words whose places are kept
 * by class, so that nothing branches on a size.
 */
#ifndef SLAB_HARDEN_CLEAN_H
#define SLAB_HARDEN_CLEAN_H

#include "core/options.h"
#include "slab/harden.h"

/* Of a class: the bytes of an object, and where its second and third 16 lie. */
struct shape {
	u16 room;
	u8 second, third;
} __aligned(1 << SHEAF_HEAD_SHIFT);	/* found by the offset of a head */

#define TAIL	16

typedef u64 pair __attribute__((vector_size(TAIL), aligned(1), may_alias));

static inline pair *pair_at(const void *obj, size_t at)
{
	return (pair *)word_at(obj, at);
}

static inline struct shape shape_make(u32 room)
{
	return (struct shape){
		.room = (u16)room,
		.second = (u8)min(room - TAIL, TAIL * 1u),
		.third = (u8)min(room - TAIL, TAIL * 2u),
	};
}

/* The pairs meet or overlap in a small object, so that nothing branches. */
static inline void wipe_ends(void *obj, const struct shape *shape)
{
	const pair zero = { 0, 0 };

	*pair_at(obj, 0) = zero;
	*pair_at(obj, shape->second) = zero;
	*pair_at(obj, shape->third) = zero;
	*pair_at(obj, (size_t)shape->room - TAIL) = zero;
}

static inline bool ends_are_clean(const void *obj, const struct shape *shape)
{
	pair any = *pair_at(obj, 0) | *pair_at(obj, shape->second) |
		   *pair_at(obj, shape->third) |
		   *pair_at(obj, (size_t)shape->room - TAIL);

	return !(any[0] | any[1]);
}

static inline void wipe(void *obj, const struct shape *shape)
{
	if (unlikely(options.hardened > 1))
		memset(obj, 0, shape->room);
	else
		wipe_ends(obj, shape);
}

static inline bool is_clean(const void *obj, const struct shape *shape)
{
	u64 any = 0;

	if (likely(options.hardened <= 1))
		return ends_are_clean(obj, shape);
	for (size_t at = 0; at < shape->room; at += sizeof(any))
		any |= *word_at(obj, at);
	return !any;
}

#endif
