/*
 * linux/names.h - the library's header with the kernel's spellings.
 *
 * The headers of this folder let the memory code of kernel modules compile in
 * a program, with -I include/liballoc and unchanged.  What they have is what
 * such code needs, with its documented meaning; what has no meaning in a
 * program is empty and says so.  They are C, as kernel code is; libc's own
 * headers may be used beside them.
 */
#ifndef LIBALLOC_LINUX_NAMES_H
#define LIBALLOC_LINUX_NAMES_H

#ifndef LIBALLOC_KMEM_NAMES
#define LIBALLOC_KMEM_NAMES
#endif
#include "../../liballoc.h"

#endif
