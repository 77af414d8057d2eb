/* linux/export.h - a program exports nothing to modules. */
#ifndef LIBALLOC_LINUX_EXPORT_H
#define LIBALLOC_LINUX_EXPORT_H

#include <linux/compiler_types.h>

#define EXPORT_SYMBOL(sym)	_Static_assert(1, #sym)
#define EXPORT_SYMBOL_GPL(sym)	_Static_assert(1, #sym)

struct module;

#define THIS_MODULE	((struct module *)0)

#endif
