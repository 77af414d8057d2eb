/*
 * trace_format.h - what a trace holds; also for those who read it.
 *
 * A trace is an array of records of 16 bytes in the byte order of the machine.
 * The first is the header; the number of each of the others is its place in
 * the order of all calls:
 *
 *   F1. a call that gives an address back is recorded before it does, one
 *	 that receives an address after it has: so an address is never given
 *	 out a second time before the record that frees it.
 *   F2. of one thread, the records are in the order of its calls.
 *   F3. a record whose first word is 0 is not there: the end, or a call that
 *	 was cut short by the end of its process.
 *
 * realloc() of a block is two records, FROM with the old address and TO with
 * the new one and the size; TO with address 0 says that it failed and the old
 * block lives on.  realloc(NULL) is a MALLOC, realloc(p, 0) a FREE.
 */
#ifndef CORE_TRACE_FORMAT_H
#define CORE_TRACE_FORMAT_H

#include <stdint.h>

#define TRACE_MAGIC 0x3145434152544c41ull /* "ALTRACE1" */

enum trace_op {
	TRACE_NONE,
	TRACE_MALLOC,
	TRACE_CALLOC,
	TRACE_ALIGNED,
	TRACE_FREE,
	TRACE_FREE_SIZED,
	TRACE_REALLOC_FROM,
	TRACE_REALLOC_TO,
	TRACE_OPS,
};

struct trace_record {
	uint64_t what;	/* address, 48 bits; op; log2 of the alignment */
	uint64_t size;	/* bytes, 48 bits, cut to that; thread, from 1 */
};

/* In place of a record: what is TRACE_MAGIC, size the process. */

#define TRACE_BITS 48
#define TRACE_MASK (((uint64_t)1 << TRACE_BITS) - 1)
#define TRACE_THREADS 65535 /* later ones share this number */

static inline uint64_t trace_addr(const struct trace_record *r)
{
	return r->what & TRACE_MASK;
}

static inline unsigned int trace_op(const struct trace_record *r)
{
	return r->what >> TRACE_BITS & 0xff;
}

static inline unsigned int trace_align_log2(const struct trace_record *r)
{
	return (unsigned int)(r->what >> 56);
}

static inline uint64_t trace_size(const struct trace_record *r)
{
	return r->size & TRACE_MASK;
}

static inline unsigned int trace_thread(const struct trace_record *r)
{
	return (unsigned int)(r->size >> TRACE_BITS);
}

#endif
