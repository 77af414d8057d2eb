/*
 * delete_twice.c - operator delete, by name: the report is free's.
 */
#include "misuse.h"

#include <dlfcn.h>

int main(void)
{
	void *(*new)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "_Znwm");
	void (*delete)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT,
							 "_ZdlPv");
	void *p;

	if (!new || !delete)
		return 4;
	p = new(48);
	delete(p);
	delete(bad(p));
	return 0;
}
