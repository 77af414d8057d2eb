/*
 * report.h - what the library says to a person, on stderr.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "lib/compiler.h"

/* One line "liballoc: ...", by one write(2); never allocates. */
void report(const char *fmt, ...) __printf(1, 2);

/**
 * alloc_fatal - say what is wrong with the heap or its use, and abort()
 *
 * Adds the CPU and the thread to the line.  Always on, in every build.
 * Context: any; takes no lock.
 */
void alloc_fatal(const char *fmt, ...) __printf(1, 2) __noreturn;

#endif
