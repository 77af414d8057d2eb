/* linux/compiler.h - what kernel code says to the compiler. */
#ifndef LIBALLOC_LINUX_COMPILER_H
#define LIBALLOC_LINUX_COMPILER_H

#include <linux/compiler_types.h>

#endif
