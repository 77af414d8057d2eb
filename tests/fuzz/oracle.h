/*
 * oracle.h - what the files of the oracle share: a thread's slots of blocks, the
 * model (O1 to O5 of oracle.c), and how to fail.
 */
#ifndef FUZZ_ORACLE_H
#define FUZZ_ORACLE_H

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "stamp.h"

#define NR_SLOTS	1024
#define NR_MAIL		256
#define NR_CACHES	12
#define MAX_THREADS	64

enum kind {
	NOTHING, LIBC, PAGES, EXACT, AREA, OBJECT, STACK, ELEMENT,
};

struct slot {
	unsigned char *p;
	size_t size;		/* asked for, or what may be written */
	size_t asked;		/* LIBC, of free_sized(); 0: not known */
	u32 tag;
	u8 kind;
	u8 order;		/* PAGES */
	u8 cache;		/* OBJECT; ELEMENT: its pool */
	bool zeroed;		/* AREA: by __GFP_ZERO, each time */
};

struct thread {
	u64 seed;
	u32 nr;
	u64 ops;		/* to do */
	u64 done;
	struct slot slots[NR_SLOTS];
	size_t large;		/* bytes of blocks above 64 KiB */
	pthread_t t;
};

struct mail {
	u32 lock;
	struct slot slot;
};

extern struct thread *threads;
extern struct mail mail[NR_MAIL];
extern struct kmem_cache *caches[NR_CACHES];
extern bool print;
extern bool may_refuse;			/* memory is short */
extern u64 now_op;			/* of a single thread, for reports */
extern u64 nr_failed;			/* requests refused; atomic */

__attribute__((noreturn)) void fail(const char *what, const void *p, size_t n);
/* With -p: operation @i of @t does @what to slot @n. */
void say(const struct thread *t, u64 i, const char *what, u32 n, size_t size);

/* --- model.c --- */

void space_init(void);
/* O1, of a block that has come, and of one that is about to go. */
void space_take(const void *p, size_t size);
void space_give(const void *p, size_t size);
/* O2 */
void check(const struct slot *s);
void account(struct thread *t, const struct slot *s, bool more);
/* O1 to O3: all that is asked of a new block; and it is filled. */
void accept(struct thread *t, struct slot *s, size_t align);
/* The request was refused, and might be. */
bool refused(struct slot *s);

/* --- blocks.c --- */

void caches_make(void);
void caches_destroy(void);
void caches_are_empty(void);
void pools_make(void);
void pools_destroy(void);
size_t pick_size(struct thread *t, u64 w);
/* Free what the slot holds, in one of the ways there are for it. */
void put(struct thread *t, struct slot *s, u64 word);
void get_libc(struct thread *t, struct slot *s, u64 w, size_t size);
void resize(struct thread *t, struct slot *s, u64 w, size_t size);
void resize_object(struct thread *t, struct slot *s, u64 w, size_t size);
void get_pages(struct thread *t, struct slot *s, u64 w);
void get_exact(struct thread *t, struct slot *s, u64 w);
void get_area(struct thread *t, struct slot *s, u64 w);
void resize_area(struct thread *t, struct slot *s, u64 w);
void get_object(struct thread *t, struct slot *s, u64 w);
void get_stack(struct thread *t, struct slot *s, u64 w);
void get_element(struct thread *t, struct slot *s, u64 w);
/* Many objects at a time, in the slots from @at on. */
void get_bulk(struct thread *t, u32 at, u64 w);
void put_bulk(struct thread *t, u32 at, u64 w);
void map_pages(u64 w);

/* --- operations.c --- */

/* What operation @i of @t does: @w says it. */
void one_op(struct thread *t, u64 i, u64 w);
/* The end: what all threads and mailboxes hold is freed, and O5. */
void finish(u32 nr);
void walk(void);
void start(u32 nr);
void shrinker_end(void);

/* --- reduce.c --- */

/* Run the operations of one thread; if they fail, find the fewest that do. */
int run_reduced(u64 seed, u64 ops);
/* Run those that a file names. */
int run_kept(u64 seed, const char *file);

#endif
