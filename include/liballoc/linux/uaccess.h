/* What kernel code gets by <linux/uaccess.h>. */
#ifndef LIBALLOC_KMEM_NAMES
#define LIBALLOC_KMEM_NAMES
#endif
#include "../uaccess.h"
