/*
 * foreign_dlmopen.c - malloc of a second libc.
 */
#include "misuse.h"

#include <dlfcn.h>

int main(void)
{
	void *lib = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
	void *(*alloc)(size_t);

	if (!lib)
		return 4;
	alloc = (void *(*)(size_t))dlsym(lib, "malloc");
	free(bad(alloc(100)));
	return 0;
}
