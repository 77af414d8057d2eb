/* linux/build_bug.h - what must hold when it is compiled. */
#ifndef LIBALLOC_LINUX_BUILD_BUG_H
#define LIBALLOC_LINUX_BUILD_BUG_H

#define BUILD_BUG_ON_MSG(cond, msg)	_Static_assert(!(cond), msg)
#define BUILD_BUG_ON(cond)		_Static_assert(!(cond), #cond)
#ifndef static_assert
#define static_assert			_Static_assert
#endif

#endif
