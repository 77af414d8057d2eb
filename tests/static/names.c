/*
 * names.c - does a program with functions named like our internals still link,
 * and do both keep their own?
 *
 * Linked with liballoc.a.  Each name below is one that the library uses
 * inside; each function here counts its calls and aborts when the library
 * reaches it by mistake.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int allowed;

#define NAME(name)							\
	int name(void);							\
	int name(void)							\
	{								\
		if (!allowed) {						\
			fputs("the library called our " #name "\n",	\
			      stderr);					\
			_Exit(1);					\
		}							\
		return 1;						\
	}

#define NAMES(X)							\
	X(slab_alloc) X(slab_alloc_slow) X(slab_free) X(slab_free_slow)	\
	X(kmem_cache_create) X(kmem_cache_destroy) X(kmem_cache_alloc)	\
	X(kmem_cache_free) X(kmem_cache_shrink) X(kmem_cache_init)	\
	X(kmalloc) X(kzalloc) X(kfree) X(krealloc) X(ksize) X(kvmalloc)	\
	X(vmalloc) X(vzalloc) X(vfree) X(vmap) X(vunmap)		\
	X(vmap_area_insert) X(vmalloc_init) X(buddy_alloc)		\
	X(buddy_free) X(buddy_init) X(zone_alloc) X(zone_init)		\
	X(zone_watermark_ok) X(alloc_pages) X(free_pages)		\
	X(__free_pages) X(__alloc_pages) X(alloc_pages_exact)		\
	X(page_order) X(pfn_to_page) X(page_to_pfn) X(pagemap_init)	\
	X(memblock_init) X(memblock_alloc) X(pcp_alloc) X(pcp_free)	\
	X(barn_get_full) X(barn_put_full) X(barn_init) X(sheaf_alloc)	\
	X(sheaf_free) X(sheaf_flush) X(percpu_init) X(percpu_sheaf_pop)	\
	X(percpu_sheaf_push) X(rseq_init) X(membarrier_init)		\
	X(kswapd) X(kswapd_start) X(shrink_slab) X(register_shrinker)	\
	X(unregister_shrinker) X(list_add) X(list_del) X(list_empty)	\
	X(rb_insert) X(rb_erase) X(rb_first) X(rb_next) X(lock_init)	\
	X(lock_acquire) X(lock_release) X(lock) X(unlock) X(mutex_lock)	\
	X(spin_lock) X(fmt_u64) X(fmt_hex) X(format) X(log_line)	\
	X(log_write) X(report) X(report_fatal) X(alloc_fatal)		\
	X(options_init) X(options_parse) X(stats_init) X(stats_read)	\
	X(stat_add) X(init) X(cpu_init) X(cgroup_init) X(psi_init)	\
	X(sys_mmap) X(sys_munmap) X(sys_init) X(mem_map) X(mem_unmap)	\
	X(mem_reserve) X(mem_commit) X(thread_start) X(fork_prepare)	\
	X(fork_parent) X(fork_child) X(malloc_init) X(malloc_slow)	\
	X(free_slow) X(mempool_create) X(mempool_alloc) X(mempool_free)	\
	X(size_class) X(slab_debug) X(slab_is_valid) X(panic)		\
	X(current_cpu) X(cpu_id) X(page_class) X(die) X(bug) X(warn)

NAMES(NAME)

/* Data as well, and with values that would lead a reader astray. */
char options[4096] = "not yours";
char stats[4096] = "not yours";
char vmemmap[64] = "not yours";
char node_data[64] = "not yours";
char kmalloc_caches[64] = "not yours";
char slab_caches[64] = "not yours";
char zone[64] = "not yours";
char page_classes[64] = "not yours";
char contig_page_data[64] = "not yours";
char percpu[64] = "not yours";
char barn[64] = "not yours";

static void *churn(void *arg)
{
	void *p[100] = { NULL };

	for (size_t i = 0; i < 20000; i++) {
		size_t at = i * 7919 % 100, n = 1 + i * i % 5000;

		free(p[at]);
		p[at] = i % 3 ? malloc(n) : calloc(1, n);
		if (!p[at])
			return NULL;
		memset(p[at], (int)i, n);
		if (i % 5 == 0)
			p[at] = realloc(p[at], n * 3);
	}
	for (size_t i = 0; i < 100; i++)
		free(p[i]);
	free(malloc(30 << 20));
	return arg;
}

int main(void)
{
	pthread_t t[3];
	void *ok;
	int called = 0;

	for (int i = 0; i < 3; i++)
		if (pthread_create(&t[i], NULL, churn, &called))
			return 1;
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &ok);
		if (!ok)
			return 1;
	}
	allowed = 1;
#define CALL(name) called += name();
	NAMES(CALL)
	allowed = 0;
	if (strcmp(options, "not yours") || strcmp(stats, "not yours") ||
	    strcmp(vmemmap, "not yours") || strcmp(percpu, "not yours") ||
	    strcmp(barn, "not yours") || strcmp(zone, "not yours") ||
	    strcmp(node_data, "not yours") ||
	    strcmp(kmalloc_caches, "not yours") ||
	    strcmp(slab_caches, "not yours") ||
	    strcmp(page_classes, "not yours") ||
	    strcmp(contig_page_data, "not yours")) {
		fputs("the library wrote to our data\n", stderr);
		return 1;
	}
	printf("names ok (%d)\n", called);
	return 0;
}
