/*
 * trace.h - every call of a program, written to a file (trace=FILE).
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/options.h"
#include "core/trace_format.h"
#include "lib/compiler.h"

/* Constant once options are sealed.  Asked on slow paths only. */
static inline bool trace_is_on(void)
{
	return unlikely(options.trace[0]);
}

/**
 * trace_init - start to trace if the option asks for it
 *
 * Without a file, or on a kernel older than 4.14, says so and turns the option
 * off: before options_seal().  Then the hot paths must stay closed, so that
 * every call comes by.
 */
void trace_init(void);

/**
 * trace_record - one call
 * @op: which
 * @ptr: the address that it gives back or has received
 * @size: bytes asked for
 * @align: of TRACE_ALIGNED, a power of two; else 1
 *
 * Context: any; no lock, no allocation, errno is kept.  A system call or four
 * every 65536 records.
 */
void trace_record(enum trace_op op, const void *ptr, size_t size, size_t align);

#endif
