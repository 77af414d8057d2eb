/*
 * refcount_api.c - what is said when a reference count saturates.
 *
 * The counts themselves are inline functions of include/liballoc/refcount.h.
 */
#include "core/report.h"
#include "liballoc.h"

EXPORT void alloc_refcount_warn_saturate(alloc_refcount_t *r,
					 enum alloc_refcount_saturation why)
{
	static const char *const reasons[] = {
		[ALLOC_REFCOUNT_ADD_NOT_ZERO_OVF] = "saturated; leaking memory",
		[ALLOC_REFCOUNT_ADD_OVF] = "saturated; leaking memory",
		[ALLOC_REFCOUNT_ADD_UAF] = "addition on 0; use after free",
		[ALLOC_REFCOUNT_SUB_UAF] = "underflow; use after free",
		[ALLOC_REFCOUNT_DEC_LEAK] = "decrement hit 0; leaking memory",
	};
	static bool said[ARRAY_SIZE(reasons)];

	__atomic_store_n(&r->refs, ALLOC_REFCOUNT_SATURATED, __ATOMIC_RELAXED);
	if ((u32)why >= ARRAY_SIZE(reasons) ||
	    __atomic_exchange_n(&said[why], true, __ATOMIC_RELAXED))
		return;
	report("refcount_t: %p (%s)", (void *)r, reasons[why]);
}
