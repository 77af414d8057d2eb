/*
 * inject.h - system calls that fail on purpose, in builds for tests.
 *
 * With -DLIBALLOC_FAULTS each place in src/sys/ that makes a system call is a
 * site: a record in a section of its own, which counts the calls and says
 * which of them fail instead.  Other builds have nothing of this.
 *
 * What to fail stands in the environment, since the first calls are made
 * before main():
 *
 *	LIBALLOC_FAULT=FILE:LINE:ERRNO:SKIP:COUNT:EVERY
 *
 * The first SKIP calls of that site pass, then of the next calls one in EVERY
 * fails, at random for EVERY > 1, until COUNT have.  A test may do the same by
 * sys_fault_arm().  Several of these may stand there, with commas between.
 */
#ifndef SYS_INJECT_H
#define SYS_INJECT_H

#include "lib/compiler.h"

struct sys_site {
	const char *file;
	const char *func;
	const char *call;	/* "SYS_mmap" */
	u32 line;
	u32 error;		/* 0: none fails */
	u32 skip, count, every;
	u32 calls, failed;	/* atomic */
};

/* The linker's, around the section. */
extern struct sys_site __start_sys_sites[], __stop_sys_sites[];

/* Count a call; the error number it is to fail with, or 0. */
u32 sys_fault(struct sys_site *site);
void sys_fault_arm(struct sys_site *site, u32 error, u32 skip, u32 count,
		   u32 every);
/* No call fails any more. */
void sys_fault_disarm(void);

#define SYS_FAULT(name, real)						\
({									\
	static struct sys_site site_					\
	__attribute__((section("sys_sites"), used, aligned(8))) = {	\
		.file = __FILE__, .func = __func__, .call = name,	\
		.line = __LINE__,					\
	};								\
	u32 error_ = sys_fault(&site_);					\
									\
	error_ ? -(long)error_ : (real);				\
})

#endif
