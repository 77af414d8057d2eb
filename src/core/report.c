/*
 * report.c - see report.h.
 */
#include <stdlib.h>

#include "core/report.h"
#include "lib/fmt.h"
#include "sys/sys.h"

#define LINE 1024

static const char prefix[] = "liballoc: ";

static size_t line_start(char *line)
{
	return fmt_print(line, LINE, "%s", prefix);
}

static void line_write(char *line, size_t len)
{
	line[len] = '\n';
	sys_write_err(line, len + 1);
}

void report(const char *fmt, ...)
{
	char line[LINE + 1];
	size_t len = line_start(line);
	va_list ap;

	va_start(ap, fmt);
	len += fmt_vprint(line + len, LINE - len, fmt, ap);
	va_end(ap);
	line_write(line, len);
}

__slowpath void alloc_fatal(const char *fmt, ...)
{
	char line[LINE + 1];
	size_t len = line_start(line);
	va_list ap;

	va_start(ap, fmt);
	len += fmt_vprint(line + len, LINE - len, fmt, ap);
	va_end(ap);
	len += fmt_print(line + len, LINE - len, " cpu %u tid %d",
			 sys_getcpu(), sys_tid());
	line_write(line, len);
	abort();
}
