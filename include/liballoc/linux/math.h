/* linux/math.h - rounding. */
#ifndef LIBALLOC_LINUX_MATH_H
#define LIBALLOC_LINUX_MATH_H

#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
/* Of either sign; what is half way goes away from 0. */
#define DIV_ROUND_CLOSEST(n, d) __extension__ ({			\
	__typeof__(n) _closest_n = (n);					\
	__typeof__(d) _closest_d = (d), _half = _closest_d / 2;		\
									\
	(!_closest_n || (_closest_n > 0) == (_closest_d > 0) ?		\
	 _closest_n + _half : _closest_n - _half) / _closest_d; })
#define roundup(x, y) __extension__ ({					\
	__typeof__(y) _roundup_y = (y);					\
									\
	DIV_ROUND_UP(x, _roundup_y) * _roundup_y; })
#define rounddown(x, y) __extension__ ({				\
	__typeof__(x) _rounddown_x = (x);				\
									\
	_rounddown_x - _rounddown_x % (y); })
/* To a power of two. */
#define round_up(x, y)		((((x) - 1) | ((__typeof__(x))(y) - 1)) + 1)
#define round_down(x, y)	((x) & ~((__typeof__(x))(y) - 1))

#endif
