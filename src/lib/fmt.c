/*
 * fmt.c - see fmt.h.
 */
#include "lib/fmt.h"

struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

struct spec {
	u32 width;
	bool left;
	char fill;
	u32 longs;	/* 'l' and 'z' seen */
};

static void put_padded(struct out *o, const struct spec *sp, const char *s,
		       size_t len)
{
	size_t pad = sp->width > len ? sp->width - len : 0;

	for (size_t i = 0; !sp->left && i < pad; i++)
		put(o, sp->fill);
	for (size_t i = 0; i < len; i++)
		put(o, s[i]);
	for (size_t i = 0; sp->left && i < pad; i++)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *sp, u64 n, u32 base,
		       const char *prefix)
{
	char text[32];
	size_t at = sizeof(text), plen = 0;

	do {
		text[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	while (prefix[plen])
		plen++;
	if (sp->fill == '0' && !sp->left) {
		struct spec rest = *sp;

		/* Zeros come between the sign and the digits. */
		rest.width -= min(rest.width, (u32)plen);
		while (*prefix)
			put(o, *prefix++);
		put_padded(o, &rest, text + at, sizeof(text) - at);
		return;
	}
	while (plen)
		text[--at] = prefix[--plen];
	put_padded(o, sp, text + at, sizeof(text) - at);
}

static const char *parse_spec(const char *f, struct spec *sp)
{
	*sp = (struct spec){ .fill = ' ' };
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->fill = '0';
		else
			break;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->width = sp->width * 10 + (u32)(*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		sp->longs++;
	return f;
}

static u64 unsigned_arg(const struct spec *sp, va_list *ap)
{
	return sp->longs ? va_arg(*ap, unsigned long) :
			   va_arg(*ap, unsigned int);
}

static void put_arg(struct out *o, const struct spec *sp, char conv,
		    va_list *ap)
{
	const char *s;
	size_t len = 0;
	char c;
	long d;

	switch (conv) {
	case 's':
		s = va_arg(*ap, const char *);
		s = s ? s : "(null)";
		while (s[len])
			len++;
		put_padded(o, sp, s, len);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(o, sp, &c, 1);
		break;
	case 'd':
		d = sp->longs ? va_arg(*ap, long) : va_arg(*ap, int);
		put_number(o, sp, d < 0 ? -(u64)d : (u64)d, 10,
			   d < 0 ? "-" : "");
		break;
	case 'u':
		put_number(o, sp, unsigned_arg(sp, ap), 10, "");
		break;
	case 'x':
		put_number(o, sp, unsigned_arg(sp, ap), 16, "");
		break;
	case 'p':
		put_number(o, sp, (uintptr_t)va_arg(*ap, void *), 16, "0x");
		break;
	default:
		put(o, conv);
	}
}

size_t fmt_vprint(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { buf, size, 0 };
	va_list ap;

	if (!size)
		return 0;
	va_copy(ap, args);
	for (const char *f = fmt; *f; f++) {
		struct spec sp;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_spec(f + 1, &sp);
		if (!*f)
			break;
		put_arg(&o, &sp, *f, &ap);
	}
	va_end(ap);
	buf[o.len] = '\0';
	return o.len;
}

size_t fmt_print(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = fmt_vprint(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

bool fmt_parse_size(const char *s, size_t len, size_t *val)
{
	size_t n = 0, i = 0, shift = 0;

	for (; i < len && s[i] >= '0' && s[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, s[i] - '0', &n))
			return false;
	if (!i)
		return false;
	if (i < len) {
		char unit = (char)(s[i] | 0x20);

		shift = unit == 'k' ? 10 : unit == 'm' ? 20 :
			unit == 'g' ? 30 : 0;
		i++;
		if (!shift || i != len || n > SIZE_MAX >> shift)
			return false;
	}
	*val = n << shift;
	return true;
}
