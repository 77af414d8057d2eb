/* linux/stringify.h - what a macro expands to, as a string. */
#ifndef LIBALLOC_LINUX_STRINGIFY_H
#define LIBALLOC_LINUX_STRINGIFY_H

#define __stringify_1(...)	#__VA_ARGS__
#define __stringify(...)	__stringify_1(__VA_ARGS__)

#endif
