/*
 * dump.c - counters of what ends in abort() are kept, too: most of the misuse
 * programs do.  Linked into the coverage build with -Wl,--wrap=abort.
 */
void __gcov_dump(void);
void __real_abort(void) __attribute__((noreturn));
void __wrap_abort(void) __attribute__((noreturn));

void __wrap_abort(void)
{
	__gcov_dump();
	__real_abort();
}
