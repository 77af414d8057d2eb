/*
 * free_sized.c - a wrong size given to free_sized and free_aligned_sized.
 */
#include "helper.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	void (*sized)(void *, size_t) = dlsym(RTLD_DEFAULT, "free_sized");
	void (*aligned)(void *, size_t, size_t) =
		dlsym(RTLD_DEFAULT, "free_aligned_sized");

	REQUIRE(sized && aligned);
	if (!strcmp(how, "small"))
		sized(malloc(48), 480);
	else if (!strcmp(how, "large"))
		sized(malloc(3 * MIB), 100);
	else
		aligned(aligned_alloc(64, 640), 64, 64000);
	return 0;
}
