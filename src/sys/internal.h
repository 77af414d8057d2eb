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
#include "lib/compiler.h"

/* Parts of sys_init(). */
void sys_mem_init(void);
void sys_cpu_init(void);
/* These read files below @root: "", or what a test has made. */
void sys_cgroup_init(const char *root);
void sys_numa_init(const char *root);

/* (cgroup.c) Where the memory cgroup of this process is, as of now. */
struct sys_cgroup {
	u32 version;		/* 1, 2; 0: none, and the rest is not set */
	char *dir;		/* below the mount: in @text, may be cut */
	char mount[512];
	char text[4096];
};

u32 sys_cgroup_find(struct sys_cgroup *cg);	/* the version */
bool sys_cgroup_parent(char *dir);	/* cut the last name off, if any */
/* A number in bytes; SIZE_MAX for "max", for nonsense and for no such file. */
size_t sys_cgroup_read(const char *mount, const char *dir, const char *file);
const char *sys_cgroup_root(void);	/* what sys_cgroup_init() was given */

/*
 * (mem.c) After mlockall(MCL_FUTURE) all new space counts against
 * RLIMIT_MEMLOCK, but not what a page grows by that is no longer locked: @page,
 * new or an error, to @size bytes.  @flags of mremap().  An error: it is gone.
 */
long sys_grow_unlocked(long page, size_t size, int flags);

/* (file.c) A regular file that long is no matter for SIGXFSZ. */
bool sys_file_may_end_at(u64 end);

#define SYS_ARGS(nr, a, b, c, d, e, f, ...)				\
	arch_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d),	\
		     (long)(e), (long)(f))
#define SYS_CALL(...) SYS_ARGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* The result, or minus the error number. */
#ifdef LIBALLOC_FAULTS
#include "sys/inject.h"
#define sys_call(nr, ...) SYS_FAULT(#nr, SYS_CALL(nr, ##__VA_ARGS__))
#else
#define sys_call(...) SYS_CALL(__VA_ARGS__)
#endif

#endif
