/* linux/container_of.h - from a member to what it is part of. */
#ifndef LIBALLOC_LINUX_CONTAINER_OF_H
#define LIBALLOC_LINUX_CONTAINER_OF_H

#include <stddef.h>

#define container_of(ptr, type, member)					\
	((type *)((char *)(1 ? (ptr) : &((type *)0)->member) -		\
		  offsetof(type, member)))

#endif
