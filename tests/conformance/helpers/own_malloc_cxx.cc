/*
 * own_malloc_cxx.cc - a C++ program that defines malloc, not operator new.
 *
 * Under glibc its operators call its malloc, and programs rely on it: memory
 * from strdup() goes into a unique_ptr with free, and the other way round.
 */
#include "own_malloc.h"

#include <new>
#include <string>
#include <vector>

struct alignas(64) line {
	char bytes[64];
};

int main()
{
	std::vector<std::string> v;
	volatile size_t huge = SIZE_MAX - 7;	/* rounded up, it is 0 */
	volatile size_t none = 0;

	must_be_ours(opaque(::operator new(100)));
	must_be_ours(opaque(::operator new[](100)));
	must_be_ours(opaque(::operator new(100, std::nothrow)));
	must_be_ours(opaque(::operator new[](100, std::nothrow)));
	must_be_ours(opaque(new line));
	must_be_ours(opaque(::operator new(none)));
	must_be_ours(opaque(::operator new[](none, std::nothrow)));
	must_be_ours(opaque(::operator new(none, std::align_val_t(64))));
	if (opaque(::operator new(huge, std::align_val_t(64), std::nothrow)))
		FAIL("new of %zu bytes has not failed", huge);
	for (int i = 0; i < 1000; i++)
		v.push_back(std::string(i % 200, 'x'));
	must_be_ours(v.data());
	must_be_ours(v[199].data());
	v.clear();
	::operator delete(malloc(100));
	puts("own malloc ok");
	return 0;
}
