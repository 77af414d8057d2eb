/*
 * fmt.h - formatted text without malloc, locale or errno.
 */
#ifndef LIB_FMT_H
#define LIB_FMT_H

#include <stdarg.h>

#include "lib/compiler.h"

/**
 * fmt_vprint - a small vsnprintf
 * @buf: receives the text, always terminated if @size > 0
 * @size: bytes of @buf
 *
 * Knows %s %c %d %u %x %ld %lu %lx %zu %p %%, with a minimal width and the
 * flags '-' and '0'.
 *
 * Return: the length of the text, cut to @size - 1.
 * Context: async-signal-safe.
 */
size_t fmt_vprint(char *buf, size_t size, const char *fmt, va_list ap);
size_t fmt_print(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Decimal with an optional k, m or g; false unless all of @s is one. */
bool fmt_parse_size(const char *s, size_t len, size_t *val);

#endif
