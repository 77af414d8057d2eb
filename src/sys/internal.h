/*
 * internal.h - system calls that leave errno alone.
 *
 * The library must not disturb its caller's errno (free() keeps it), so
 * calls go through libc's syscall() with errno saved around them.
 */
#ifndef SYS_INTERNAL_H
#define SYS_INTERNAL_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Parts of sys_init(). */
void sys_mem_init(void);
void sys_cpu_init(void);

/* The result, or minus the error number. */
#define sys_call(...) ({						\
	int _saved = errno;						\
	long _ret = syscall(__VA_ARGS__);				\
	if (_ret == -1)							\
		_ret = -(long)errno;					\
	errno = _saved;							\
	_ret;								\
})

#endif
