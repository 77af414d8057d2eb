/* linux/moduleparam.h - parameters: name=value on the command line. */
#ifndef LIBALLOC_LINUX_MODULEPARAM_H
#define LIBALLOC_LINUX_MODULEPARAM_H

#include <linux/types.h>

#include <sys/stat.h>

/* Of files in /sys, which there are none of. */
#ifndef S_IRUGO
#define S_IRUGO		(S_IRUSR | S_IRGRP | S_IROTH)
#endif

enum liballoc_param_type {
	liballoc_param_short,
	liballoc_param_ushort,
	liballoc_param_int,
	liballoc_param_uint,
	liballoc_param_long,
	liballoc_param_ulong,
	liballoc_param_bool,
	liballoc_param_charp,
};

struct liballoc_param {
	const char *name;
	void *var;
	enum liballoc_param_type type;
};

/* In a section of their own, which the linker marks the ends of. */
#define module_param_named(name, variable, type, perm)			\
	static struct liballoc_param liballoc_param_of_##name		\
	__attribute__((__section__("liballoc_params"), __used__)) =	\
	{ #name, &(variable), liballoc_param_##type }
#define module_param(name, type, perm)					\
	module_param_named(name, name, type, perm)
#define MODULE_PARM_DESC(name, text)	_Static_assert(1, text)

#endif
