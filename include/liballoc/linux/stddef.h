/* linux/stddef.h - NULL, offsetof() and sizes of members. */
#ifndef LIBALLOC_LINUX_STDDEF_H
#define LIBALLOC_LINUX_STDDEF_H

#if __has_include_next(<linux/stddef.h>)
#include_next <linux/stddef.h>
#endif
#include <stddef.h>

#define sizeof_field(type, member)	(sizeof(((type *)0)->member))
#define offsetofend(type, member)					\
	(offsetof(type, member) + sizeof_field(type, member))

#endif
