/*
 * inject.c - see inject.h.  Empty in the library that people use.
 */
#ifdef LIBALLOC_FAULTS

#include "sys/inject.h"
#include "sys/sys.h"

static u32 asked;		/* the environment has been read; atomic */
static u32 seed = 1;		/* racy: any value does */

/* The number at *@s, which moves past it and a colon. */
static u32 parse(const char **s)
{
	u32 n = 0;

	while (**s >= '0' && **s <= '9')
		n = n * 10 + (u32)(*(*s)++ - '0');
	if (**s == ':')
		(*s)++;
	return n;
}

/* Does @spec begin with the site's name and a colon?  What follows it. */
static const char *spec_matches(const char *spec, const char *file)
{
	while (*file && *spec == *file) {
		spec++;
		file++;
	}
	return *file || *spec != ':' ? NULL : spec + 1;
}

/* Arm what @spec, up to a comma or the end, says. */
static void ask_one(const char *spec)
{
	for (struct sys_site *s = __start_sys_sites; s < __stop_sys_sites;
	     s++) {
		const char *at = spec_matches(spec, s->file);
		u32 error, skip, count;

		if (!at || parse(&at) != s->line)
			continue;
		error = parse(&at);
		skip = parse(&at);
		count = parse(&at);
		sys_fault_arm(s, error, skip, count, parse(&at));
		s->skip = skip;		/* this very call counts */
	}
}

static void ask(void)
{
	static char text[1024];
	const char *spec = sys_getenv("LIBALLOC_FAULT", text, sizeof(text));

	while (spec && *spec) {
		ask_one(spec);
		while (*spec && *spec != ',')
			spec++;
		spec += *spec == ',';
	}
}

void sys_fault_arm(struct sys_site *site, u32 error, u32 skip, u32 count,
		   u32 every)
{
	site->skip = skip + READ_ONCE(site->calls);
	site->count = count;
	site->every = max(every, 1u);
	WRITE_ONCE(site->failed, 0);
	store_release(&site->error, error);
}

void sys_fault_disarm(void)
{
	store_release(&asked, 1);
	for (struct sys_site *s = __start_sys_sites; s < __stop_sys_sites; s++)
		WRITE_ONCE(s->error, 0);
}

u32 sys_fault(struct sys_site *site)
{
	u32 nr = __atomic_fetch_add(&site->calls, 1, __ATOMIC_RELAXED), error;

	if (unlikely(!READ_ONCE(asked)) &&
	    !__atomic_exchange_n(&asked, 1, __ATOMIC_ACQ_REL))
		ask();
	error = load_acquire(&site->error);
	if (!error || nr < site->skip)
		return 0;
	if (site->every > 1) {
		seed = seed * 1103515245 + 12345;
		if ((seed >> 16) % site->every)
			return 0;
	}
	if (__atomic_fetch_add(&site->failed, 1, __ATOMIC_RELAXED) >=
	    site->count)
		return 0;
	return error;
}

#endif
