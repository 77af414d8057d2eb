/*
 * vmap_unit.h - what the kernel has really mapped, against the books.
 */
#ifndef VMAP_UNIT_H
#define VMAP_UNIT_H

#include "unit.h"

#include "mm/vmap_area.h"

/* A mapping ends at @at: then a segment must too, or it is no area's. */
static inline void vmap_check_boundary(uintptr_t at)
{
	struct vmap_area *area = vmap_find(at);
	bool found = false;

	if (!area || at == area->start || at >= area->start + area->size)
		return;
	for_each_seg(seg, area)
		found = found || seg->start == at;
	REQUIRE(found, "V5: a mapping ends inside of a segment at %lx", at);
}

/* V5 and V6 by /proc/self/maps; returns the mappings in the windows. */
static inline size_t vmap_check_maps(void)
{
	static char text[256 << 10];
	size_t nr = 0;

	unit_read_maps(text, sizeof(text));
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		uintptr_t start = strtoul(line, &line, 16);
		uintptr_t end = strtoul(line + 1, &line, 16);

		nr += vmap_find(start) || vmap_find(end - 1);
		vmap_check_boundary(start);
	}
	REQUIRE(nr <= vmap_info.nr_maps, "V6: %zu mappings, %zu counted", nr,
		vmap_info.nr_maps);
	return nr;
}

/* Minor page faults of this process so far. */
static inline long unit_page_faults(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_minflt;
}

/*
 * @nr areas side by side, wherever the placement is: one large area, cut,
 * whose warm rest serves the next.  Each is filled with its number.
 */
static inline void row(char **p, u32 nr, size_t size)
{
	size_t step = size + sys_page_size();

	for (u32 i = 0; i < nr; i++) {
		p[i] = vmalloc((nr - i) * step - sys_page_size(), 4096, 0);
		cr_assert_eq(vrealloc(p[i], size), p[i]);
		cr_assert(!i || p[i] == p[i - 1] + step);
		memset(p[i], (int)i + 1, size);
	}
	vmalloc_purge(0);
	cr_assert(vmalloc_is_valid());
}

/* 50 MiB more than the program has, which is more with counters (gcov). */
static inline void limit_data(void)
{
	char line[128];
	size_t kib = 0;
	FILE *f = fopen("/proc/self/status", "r");
	struct rlimit lim;

	REQUIRE(f);
	while (fgets(line, sizeof(line), f) &&
	       sscanf(line, "VmData: %zu kB", &kib) != 1)
		;
	fclose(f);
	REQUIRE(kib);
	lim.rlim_cur = lim.rlim_max = (kib << 10) + 50 * MIB;
	setrlimit(RLIMIT_DATA, &lim);
}

#endif
