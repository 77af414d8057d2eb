/* linux/init.h - start and end: functions like others here. */
#ifndef LIBALLOC_LINUX_INIT_H
#define LIBALLOC_LINUX_INIT_H

#include <linux/compiler.h>

#define __init
#define __exit
#define __initdata
#define __initconst
#define __exitdata
#define __devinit
#define __devexit

#endif
