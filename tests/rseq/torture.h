/*
 * torture.h - what the files of the torture share.  torture.c says what is
 * checked; all of them are for x86-64 alone.
 */
#ifndef RSEQ_TORTURE_H
#define RSEQ_TORTURE_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

enum {
	MAX_SECTIONS = 256,
	MAX_INSNS = 48,
	MAX_WALK = 4096,
	TRIES = 25,		/* to reach an instruction */
	WARM_UP = 16,		/* runs before a driver is looked at */
	ROUNDS = 8,		/* runs in which it is */
	/*
	 * Instructions of a run, at the most; hardened realloc() has 53000 to
	 * 78000, as each call takes a batch from the slabs and puts it back.
	 */
	OPS_STEPPED = 100000,
	RSEQ_CPU_ID = 4, RSEQ_CS = 8, RSEQ_MM_CID = 24,
};

/* What happens to the victim while it is stopped. */
enum action {
	STOP,		/* nothing else: it was scheduled away */
	STEP,		/* goes on by a single step */
	SWAP, STEAL, GIVE, TRIM,	/* the meddler, on its CPU */
	MOVE,		/* to another CPU, and SWAP on the one it left */
	MASK,		/* its CPU is taken from its mask, and SWAP there */
	SIGNAL,		/* whose handler allocates and frees */
	NR_ACTIONS
};

struct count {
	unsigned int stops, aborts, shared;
	unsigned int by[NR_ACTIONS];
};

struct section {
	uint64_t start, len, abort;	/* addresses in the file */
	char name[56];
	unsigned int nr;		/* instructions */
	unsigned int off[MAX_INSNS + 1];
	struct count count[MAX_INSNS + 1];	/* the last: behind the commit */
	int config, driver;		/* that reach it, or -1 */
	bool locked;			/* a lock is held around it, always */
	unsigned int walks;		/* by the driver that discovers */
};

/* How the victim runs. */
struct config {
	const char *name, *options;
	bool no_cid;		/* a kernel before 6.3 */
	bool locks;		/* drivers under a lock, for what is left */
};

extern struct section sections[MAX_SECTIONS];
extern unsigned int nr_sections;
extern struct shared *sh;
extern int sh_fd, mem_fd;
extern pid_t victim;
extern const char *victim_path;
extern char scratch[256];
extern uint64_t base;			/* where the library is mapped */
extern int cpus[2], nr_cpus, home;	/* home: index of the victim's CPU */
extern double deadline;

double seconds(void);
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

/* --- sections.c: the library's file, and the victim's memory --- */

void find_sections(void);
const char *symbol_of(uint64_t addr);	/* in the file */
void peek(uint64_t addr, void *buf, size_t n);
void poke(uint64_t addr, const void *buf, size_t n);
/* A breakpoint on @addr; the byte that was there. */
unsigned char arm(uint64_t addr);

/* --- tracee.c: the victim's life --- */

struct user_regs_struct regs(void);
void set_ip(uint64_t ip);
uint64_t go(enum __ptrace_request how, int sig);
bool is_idle(uint64_t ip);
uint64_t command(enum command cmd, unsigned int driver);
void command_whole(enum command cmd, unsigned int driver);
void pin(pid_t pid, int cpu);
void meddle(enum meddle what, int cpu);
bool start(const struct config *c);
void stop(void);

#endif
