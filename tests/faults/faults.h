/*
 * faults.h - what the driver of the faults and its workload share: the record of
 * a run, in a page of both.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fuzz/heap.h"
#include "sys/inject.h"

#define MAX_SITES	256
#define RESULT_FD	100

struct result {
	u32 calls[MAX_SITES];	/* of the sites, in their order */
	u32 hits;		/* calls that failed */
	u32 nulls;		/* requests refused meanwhile */
	u32 late_nulls;		/* requests refused after the fault */
	size_t pages;		/* in use at the end */
	bool done;
	char wrong[120];	/* what is wrong, or "" */
};

extern struct result *result;

/* What the process of a run does, with -w: its exit status. */
int run_workload(void);

#endif
