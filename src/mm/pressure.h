/*
 * pressure.h - the kernel's word that memory is short.
 */
#ifndef MM_PRESSURE_H
#define MM_PRESSURE_H

#include "lib/compiler.h"

/**
 * pressure_start - a shrinker is registered, or an option asks
 *
 * Makes kswapd, and once in the life of the process the thread that waits for
 * the kernel's word, as the options kswapd and pressure say.
 *
 * Context: makes threads: no lock held, not in a signal handler, not while a
 * vfork child runs (then it is left to the next registration).
 */
void pressure_start(void);
void pressure_fork_child(void);

#endif
