/*
 * sections.c - which critical sections the library has: from the descriptors in
 * its section __rseq_cs, as they are in the victim's memory.
 */
#ifdef __x86_64__

#include <elf.h>
#include <sys/stat.h>

#include "torture.h"

struct section sections[MAX_SECTIONS];
unsigned int nr_sections;
uint64_t base;
int mem_fd = -1;

/* --- the library's file --- */

static char *file;

static const Elf64_Shdr *shdr(unsigned int i)
{
	const Elf64_Ehdr *eh = (const void *)file;

	return (const void *)(file + eh->e_shoff + i * eh->e_shentsize);
}

static const Elf64_Shdr *shdr_named(const char *name)
{
	const Elf64_Ehdr *eh = (const void *)file;
	const char *names = file + shdr(eh->e_shstrndx)->sh_offset;

	for (unsigned int i = 0; i < eh->e_shnum; i++)
		if (!strcmp(names + shdr(i)->sh_name, name))
			return shdr(i);
	return NULL;
}

const char *symbol_of(uint64_t addr)
{
	const Elf64_Shdr *tab = shdr_named(".symtab");
	const Elf64_Sym *sym, *best = NULL;

	if (!tab)
		return "?";
	sym = (const void *)(file + tab->sh_offset);
	for (size_t i = 0; i < tab->sh_size / sizeof(*sym); i++, sym++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC &&
		    sym->st_value <= addr &&
		    addr < sym->st_value + sym->st_size)
			best = sym;
	return best ? file + shdr(tab->sh_link)->sh_offset + best->st_name :
		      "?";
}

/* --- the victim's memory --- */

void peek(uint64_t addr, void *buf, size_t n)
{
	if (pread(mem_fd, buf, n, (off_t)addr) != (ssize_t)n)
		die("cannot read %#lx: %s", addr, strerror(errno));
}

void poke(uint64_t addr, const void *buf, size_t n)
{
	if (pwrite(mem_fd, buf, n, (off_t)addr) != (ssize_t)n)
		die("cannot write %#lx: %s", addr, strerror(errno));
}

unsigned char arm(uint64_t addr)
{
	unsigned char old, int3 = 0xcc;

	peek(addr, &old, 1);
	if (old == int3)
		die("two breakpoints on %#lx", addr - base);
	poke(addr, &int3, 1);
	return old;
}

/* K7: movq %reg, %fs:RSEQ_CS(%reg), of 5 bytes, or 6 if the base is r12. */
static bool entered_by_store(uint64_t start)
{
	unsigned char b[6];

	peek(start - 6, b, 6);
	return b[5] == RSEQ_CS && ((b[1] == 0x64 && b[3] == 0x89) ||
				   (b[0] == 0x64 && b[2] == 0x89));
}

void find_sections(void)
{
	const Elf64_Shdr *cs;
	struct stat st;
	int fd = open(sh->lib_path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s: %s", sh->lib_path, strerror(errno));
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED)
		die("%s: %s", sh->lib_path, strerror(errno));
	cs = shdr_named("__rseq_cs");
	if (!cs || !cs->sh_size)
		die("%s has no __rseq_cs", sh->lib_path);
	for (uint64_t at = 0; at < cs->sh_size; at += 32) {
		struct {
			uint32_t version, flags;
			uint64_t start, len, abort;
		} d;
		struct section *s = &sections[nr_sections++];
		int twins = 0;

		if (nr_sections > MAX_SECTIONS)
			die("more than %d sections", MAX_SECTIONS);
		/* From memory: there they are relocated. */
		peek(base + cs->sh_addr + at, &d, sizeof(d));
		*s = (struct section){ .start = d.start - base, .len = d.len,
				       .abort = d.abort - base, .config = -1 };
		s->locked = !strcmp(symbol_of(s->start), "bounds_store");
		snprintf(s->name, sizeof(s->name) - 6, "%s",
			 symbol_of(s->start));
		if (!entered_by_store(d.start))
			die("%s: no store to rseq_cs right before it", s->name);
		for (struct section *t = sections; t < s; t++)
			twins += !strcmp(symbol_of(t->start),
					 symbol_of(s->start));
		if (twins)
			sprintf(s->name + strlen(s->name), "/%d", twins + 1);
	}
}

#endif
