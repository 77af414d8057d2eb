/*
 * field.h - where a field of a struct is, for readers from outside.
 *
 * The maps of slab/slabinfo.h and mm/mm_root.h consist of these: a tool of
 * another build reads them, so what is here is part of what they promise.
 */
#ifndef LIB_FIELD_H
#define LIB_FIELD_H

#include <stddef.h>

#include "lib/compiler.h"

/* Bytes from the start of the struct, and how many it has. */
struct field {
	u16 at, bytes;
};

/* Of structs below 64 KiB. */
#define FIELD(type, member)						\
	{ (u16)offsetof(type, member), (u16)sizeof(((type *)0)->member) }

#endif
