/*
 * refcount_overflow.c - a count above the most there is: it sticks, that is
 * said, and the program goes on.
 */
#include "kmem.h"

int main(void)
{
	alloc_refcount_t r = ALLOC_REFCOUNT_INIT(ALLOC_REFCOUNT_MAX);

	if (__atomic_fetch_add(&r.refs, 1, __ATOMIC_RELAXED) > 0)
		CALL(refcount_warn_saturate)(bad(&r), ALLOC_REFCOUNT_ADD_OVF);
	MUST((int)alloc_refcount_read(&r) == ALLOC_REFCOUNT_SATURATED);
	abort();
}
