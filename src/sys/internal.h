/*
 * internal.h - system calls of src/sys/.
 *
 * They are made directly: errno belongs to the caller of malloc (free()
 * keeps it), and every page of libc that a small program does not touch is
 * memory saved.
 */
#ifndef SYS_INTERNAL_H
#define SYS_INTERNAL_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/percpu_ops.h"

/* Parts of sys_init(). */
void sys_mem_init(void);
void sys_cpu_init(void);
/* These read files below @root: "", or what a test has made. */
void sys_cgroup_init(const char *root);
void sys_numa_init(const char *root);

#define SYS_ARGS(nr, a, b, c, d, e, f, ...)				\
	arch_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d),	\
		     (long)(e), (long)(f))
/* The result, or minus the error number. */
#define sys_call(...) SYS_ARGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

#endif
