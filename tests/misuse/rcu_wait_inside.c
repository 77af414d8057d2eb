/*
 * rcu_wait_inside.c - a reader that waits for all readers.
 */
#include "kmem.h"

int main(void)
{
	CALL(rcu_read_lock)();
	CALL(synchronize_rcu)();
	return 0;
}
