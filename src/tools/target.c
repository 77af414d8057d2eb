/*
 * target.c - finds the heap of a running process; see target.h.
 *
 * Of each mapped ELF file, the headers are read where they are mapped, not
 * from the file, which may lie in another mount namespace, be deleted or have
 * been replaced.  The notes in them (slab/slabinfo.h, mm/mm_root.h) lead to
 * the roots, and those to the rest, whatever build they are of.
 */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "tools/target.h"

#define MAX_PHDRS	256
#define MAX_NOTES	(64 * KIB)	/* bytes of one PT_NOTE */
#define MAX_CACHES	(64 * KIB)

void __noreturn __printf(1, 2) die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "alloc-slabtop: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void *must_alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		die("out of memory");
	return p;
}

/* --- the other process's memory ------------------------------------------ */

static void __noreturn die_of(const struct target *t, int err)
{
	switch (err) {
	case ESRCH:
	case ENOENT:
		die("no process %d", t->pid);
	case EPERM:
	case EACCES:
		die("process %d: not permitted; it takes what ptrace(2) does: "
		    "the same user and a dumpable process, or CAP_SYS_PTRACE, "
		    "and see /proc/sys/kernel/yama/ptrace_scope", t->pid);
	default:
		die("process %d: %s", t->pid, strerror(err));
	}
}

/* All of it, or false: nothing is mapped there (any more). */
bool peek(const struct target *t, u64 addr, void *buf, size_t size)
{
	struct iovec here = { buf, size }, there = { (void *)addr, size };
	ssize_t n = process_vm_readv(t->pid, &here, 1, &there, 1, 0);

	if (n < 0 && errno != EFAULT && errno != EINVAL)
		die_of(t, errno);
	return n == (ssize_t)size;
}

/* What a process says of itself has nothing to say to the terminal. */
void copy_printable(char *to, const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size && text[i]; i++)
		to[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	to[i] = '\0';
}

/* --- finding the library -------------------------------------------------- */

static bool field_fits(struct field f, u32 bytes, u32 width)
{
	return f.bytes && (!width || f.bytes <= width) &&
	       f.at + f.bytes <= bytes;
}

static bool root_is_sane(const struct slab_root *r)
{
	u32 node = r->node.bytes, head = 1u << (r->head_shift & 15);

	return r->bytes >= sizeof(*r) && r->nr_caches <= MAX_CACHES &&
	       r->first_cache < r->nr_caches &&
	       r->page_shift >= 12 && r->page_shift <= 16 &&
	       r->max_nodes <= 4096 &&
	       r->cache_bytes <= 64 * KIB && r->percpu_bytes <= 64 * KIB &&
	       r->percpu_shift <= 20 && r->head_shift < 16 &&
	       (u64)r->nr_caches << r->head_shift <= 1u << r->percpu_shift &&
	       field_fits(r->percpu_blocks, r->percpu_bytes, 8) &&
	       field_fits(r->percpu_nr_cpus, r->percpu_bytes, 4) &&
	       field_fits(r->percpu_next, r->percpu_bytes, 8) &&
	       field_fits(r->percpu_next_step, r->percpu_bytes, 4) &&
	       field_fits(r->head_cur, head, 8) &&
	       field_fits(r->head_lo, head, 8) &&
	       field_fits(r->head_hi, head, 8) &&
	       field_fits(r->name, r->cache_bytes, 0) &&
	       field_fits(r->size, r->cache_bytes, 4) &&
	       field_fits(r->nr_objects, r->cache_bytes, 4) &&
	       field_fits(r->nr_pages, r->cache_bytes, 4) &&
	       field_fits(r->node, r->cache_bytes, 0) &&
	       field_fits(r->others, r->cache_bytes, 8) &&
	       field_fits(r->nr_slabs, node, 8) &&
	       field_fits(r->nr_empty, node, 8) &&
	       field_fits(r->nr_used, node, 8) &&
	       field_fits(r->barn_objects, node, 8) &&
	       r->spare_bytes <= 64 * KIB &&
	       field_fits(r->spare_nr, r->spare_bytes, 4) &&
	       field_fits(r->spare_cache, r->spare_bytes, 8);
}

/* @addr: of the note's struct slab_note there; @n: what it holds. */
static bool root_read(struct target *t, u64 addr, const struct slab_note *n)
{
#define AT(name) (addr + offsetof(struct slab_note, name) + (u64)n->name)
	if (n->version < SLAB_ROOT_OLDEST || n->version > SLAB_ROOT_VERSION)
		die("process %d: its liballoc is of another version (%u, "
		    "this tool knows %u to %u)", t->pid, n->version,
		    SLAB_ROOT_OLDEST, SLAB_ROOT_VERSION);
	if (!peek(t, AT(root), &t->root, sizeof(t->root)) ||
	    !root_is_sane(&t->root))
		return false;
	t->caches = AT(caches);
	t->percpu = AT(percpu);
	t->nr_nodes = AT(nr_nodes);
	t->spares = AT(spares);
	return true;
#undef AT
}

/* The heap of a library that is mapped, but not in use, was never started. */
static bool is_started(const struct target *t)
{
	char *percpu = must_alloc(1, t->root.percpu_bytes);
	bool ok = peek(t, t->percpu, percpu, t->root.percpu_bytes) &&
		  field(percpu, t->root.percpu_blocks);

	free(percpu);
	return ok;
}

static bool mm_is_sane(const struct mm_root *r)
{
	return r->bytes >= sizeof(*r) && r->page_shift >= 12 &&
	       r->page_shift <= 16 && r->max_order < 24 &&
	       r->pageblock_order <= r->max_order && r->nr_types &&
	       r->nr_types <= 8 && r->max_nodes <= 4096 &&
	       r->max_sections <= 64 * KIB && r->zone_bytes &&
	       r->section_bytes <= 64 * KIB && r->vmap_bytes <= 64 * KIB &&
	       r->page_bytes && r->page_bytes <= 4 * KIB &&
	       r->vmap_node < r->vmap_bytes &&
	       field_fits(r->zones, UINT16_MAX, 0) &&
	       field_fits(r->node_id, UINT16_MAX, 4) &&
	       field_fits(r->free_area, r->zone_bytes, 0) &&
	       (r->max_order + 1) * (u64)r->free_area_bytes <=
			r->free_area.bytes &&
	       field_fits(r->area_nr, r->free_area_bytes, 0) &&
	       r->nr_types * sizeof(u64) <= r->area_nr.bytes &&
	       field_fits(r->nr_free, r->zone_bytes, 8) &&
	       field_fits(r->nr_managed, r->zone_bytes, 8) &&
	       field_fits(r->sec_vmemmap, r->section_bytes, 8) &&
	       field_fits(r->sec_first, r->section_bytes, 8) &&
	       field_fits(r->sec_frontier, r->section_bytes, 8) &&
	       field_fits(r->sec_offline, r->section_bytes, 8) &&
	       field_fits(r->sec_zone, r->section_bytes, 8) &&
	       field_fits(r->block_type, r->page_bytes, 1) &&
	       field_fits(r->left, r->vmap_bytes - r->vmap_node, 8) &&
	       field_fits(r->right, r->vmap_bytes - r->vmap_node, 8) &&
	       field_fits(r->start, r->vmap_bytes, 8) &&
	       field_fits(r->end, r->vmap_bytes, 8) &&
	       field_fits(r->size, r->vmap_bytes, 8) &&
	       field_fits(r->state, r->vmap_bytes, 8) &&
	       field_fits(r->huge, r->vmap_bytes, 1);
}

/* The same of struct mm_note.  Who has none has its caches shown. */
static void mm_read(struct target *t, u64 addr, const struct mm_note *n)
{
#define AT(name) (addr + offsetof(struct mm_note, name) + (u64)n->name)
	if (n->version != MM_ROOT_VERSION ||
	    !peek(t, AT(root), &t->mm, sizeof(t->mm)) || !mm_is_sane(&t->mm)) {
		t->mm.bytes = 0;
		return;
	}
	t->nodes = AT(nodes);
	t->sections = AT(sections);
	t->nr_sections = AT(nr_sections);
	t->areas = AT(areas);
#undef AT
}

/* @desc: what note @h holds, which lies at @addr there. */
static bool note_read(struct target *t, u64 addr, const Elf64_Nhdr *h,
		      const char *desc)
{
	struct slab_note slab = { 0 };
	struct mm_note mm;

	if (h->n_type == MM_NOTE_TYPE && h->n_descsz >= sizeof(mm)) {
		memcpy(&mm, desc, sizeof(mm));
		mm_read(t, addr, &mm);
	}
	/* That of another version may be shorter; it says which it is. */
	if (h->n_type != SLAB_NOTE_TYPE || h->n_descsz < sizeof(slab.version))
		return false;
	memcpy(&slab, desc, min((size_t)h->n_descsz, sizeof(slab)));
	if (!root_read(t, addr, &slab))
		return false;
	t->unused = !is_started(t);
	return !t->unused;
}

/* Both notes of a library lie in one PT_NOTE. */
static bool notes_search(struct target *t, u64 addr, size_t size)
{
	char *buf = must_alloc(1, size);
	bool found = false;
	size_t at = 0;

	t->mm.bytes = 0;
	if (!peek(t, addr, buf, size))
		goto out;
	while (size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		size_t name = at + sizeof(h), desc, next;

		memcpy(&h, buf + at, sizeof(h));
		if (h.n_namesz > size || h.n_descsz > size)
			break;
		desc = name + ALIGN_UP((size_t)h.n_namesz, (size_t)4);
		next = desc + ALIGN_UP((size_t)h.n_descsz, (size_t)4);
		if (next > size)
			break;
		if (h.n_namesz == sizeof(SLAB_NOTE_NAME) &&
		    !memcmp(buf + name, SLAB_NOTE_NAME, h.n_namesz))
			found = note_read(t, addr + desc, &h, buf + desc) ||
				found;
		at = next;
	}
out:
	free(buf);
	return found;
}

/* The ELF headers are mapped at @base: is it our library, or has it ours? */
static bool elf_search(struct target *t, u64 base)
{
	Elf64_Phdr ph[MAX_PHDRS];
	Elf64_Ehdr eh;
	u64 bias = 0;
	bool loads = false;

	if (!peek(t, base, &eh, sizeof(eh)) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_phentsize != sizeof(*ph) || !eh.e_phnum ||
	    eh.e_phnum > MAX_PHDRS ||
	    !peek(t, base + eh.e_phoff, ph, eh.e_phnum * sizeof(*ph)))
		return false;
	for (u32 i = 0; i < eh.e_phnum && !loads; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_offset < 64 * KIB) {
			bias = base - (ph[i].p_vaddr - ph[i].p_offset);
			loads = true;
		}
	for (u32 i = 0; loads && i < eh.e_phnum; i++)
		if (ph[i].p_type == PT_NOTE && ph[i].p_memsz <= MAX_NOTES &&
		    notes_search(t, bias + ph[i].p_vaddr, ph[i].p_memsz))
			return true;
	return false;
}

/* Slabs of a cache, whose struct was read, on all nodes. */
static u64 cache_slabs(const struct target *t, const char *cache, u32 nr_nodes)
{
	const struct slab_root *r = &t->root;
	u64 others = field(cache, r->others), addr, val, nr;

	nr = field(cache + r->node.at, r->nr_slabs);
	for (u32 nid = 1; others && nid < nr_nodes; nid++)
		if (peek(t, others + nid * sizeof(addr), &addr, sizeof(addr)) &&
		    addr && r->nr_slabs.bytes == sizeof(val) &&
		    peek(t, addr + r->nr_slabs.at, &val, sizeof(val)))
			nr += val;
	return nr;
}

static u64 heap_slabs(const struct target *t)
{
	const struct slab_root *r = &t->root;
	u64 *caches = must_alloc(r->nr_caches, sizeof(*caches)), nr = 0;
	char *cache = must_alloc(1, r->cache_bytes);
	u32 nr_nodes = 1;

	peek(t, t->nr_nodes, &nr_nodes, sizeof(nr_nodes));
	if (peek(t, t->caches, caches, r->nr_caches * sizeof(*caches)))
		for (u32 i = r->first_cache; i < r->nr_caches; i++)
			if (caches[i] && peek(t, caches[i], cache, r->cache_bytes))
				nr += cache_slabs(t, cache,
						  min(nr_nodes, r->max_nodes));
	free(cache);
	free(caches);
	return nr;
}

/* The heap that is found in the file mapped at @base, if it is the larger. */
static bool take_larger(struct target *t, u64 base, bool found)
{
	struct target one = *t;

	if (!elf_search(&one, base)) {
		t->unused |= one.unused;
		return found;
	}
	one.slabs = heap_slabs(&one);
	if (!found || one.slabs > t->slabs)
		*t = one;
	return true;
}

/* Dead, but its parent has not asked how it ended: there is no memory. */
static bool is_zombie(const struct target *t)
{
	char path[64], line[256];
	bool dead = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", t->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "State:", 6))
			dead = strchr(line, 'Z') || strchr(line, 'X');
	if (f)
		fclose(f);
	return dead;
}

/*
 * Files are mapped from their start, where the headers are.  There may be more
 * than one started heap, as dlmopen(3) brings a library again: the one that
 * serves malloc is that with the most slabs.
 */
static void find_root(struct target *t)
{
	char path[64], line[PATH_MAX + 256];
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", t->pid);
	maps = fopen(path, "re");
	if (!maps)
		die_of(t, errno);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end, offset;
		char perms[8], file[2] = "";

		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %1s", &start, &end,
			   perms, &offset, file) == 5 &&
		    !offset && perms[0] == 'r' && file[0] == '/')
			found = take_larger(t, start, found);
	}
	if (!found && ferror(maps))
		die_of(t, errno);
	fclose(maps);
	if (!found && is_zombie(t))
		die("process %d has ended: a zombie has no memory", t->pid);
	if (!found && t->unused)
		die("process %d: its liballoc has not been used yet", t->pid);
	if (!found)
		die("process %d: no liballoc in it", t->pid);
}

static void read_comm(struct target *t)
{
	char path[64], comm[sizeof(t->comm)];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", t->pid);
	f = fopen(path, "re");
	if (!f)
		die_of(t, errno);
	/* A newline may be in it, and one is behind it. */
	n = fread(comm, 1, sizeof(comm) - 1, f);
	if (n && comm[n - 1] == '\n')
		n--;
	copy_printable(t->comm, comm, n);
	fclose(f);
}

void target_attach(struct target *t)
{
	read_comm(t);
	find_root(t);
	t->pointers = must_alloc(t->root.nr_caches, sizeof(void *));
	t->rows = must_alloc(t->root.nr_caches, sizeof(*t->rows));
	t->cache = must_alloc(1, t->root.cache_bytes);
}
