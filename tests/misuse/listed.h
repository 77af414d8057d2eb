/*
 * listed.h - buffers of one length are asked for until some of it are kept at
 * hand: in a heap of some MiB, thousands of times by way of the zone.
 */
#ifndef LISTED_H
#define LISTED_H

#include "misuse.h"

static inline void have_lists(size_t size)
{
	void *buffer[4];

	for (int i = 0; i < 12; i++)
		(void)hide(malloc(hide_size(900 << 10)));
	for (int n = 0; n < 6000; n++) {
		for (int i = 0; i < 4; i++)
			buffer[i] = hide(malloc(hide_size(size)));
		for (int i = 0; i < 4; i++)
			free(buffer[i]);
	}
}

#endif
