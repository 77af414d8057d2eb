/*
 * rcu_unlock.c - one rcu_read_unlock() too many.
 */
#include "kmem.h"

int main(void)
{
	CALL(rcu_read_lock)();
	CALL(rcu_read_unlock)();
	CALL(rcu_read_unlock)();
	return 0;
}
