/*
 * own_new.cc - a C++ program that defines operator new over malloc.
 *
 * Only the plain form: the others, by the standard, call it, so a count of
 * news and deletes must come out even.
 */
#include "helper.h"

#include <new>
#include <string>
#include <vector>

static long live, calls;

void *operator new(std::size_t n)
{
	void *p = malloc(n + 16);

	if (!p)
		throw std::bad_alloc();
	live++;
	calls++;
	*(size_t *)p = 0x6f776e6e6577;
	return (char *)p + 16;
}

void operator delete(void *p) noexcept
{
	if (!p)
		return;
	p = (char *)p - 16;
	if (*(size_t *)p != 0x6f776e6e6577)
		FAIL("delete of what new did not give");
	live--;
	free(p);
}

void operator delete(void *p, std::size_t) noexcept
{
	::operator delete(p);
}

int main()
{
	{
		std::vector<std::string> v;

		for (int i = 0; i < 1000; i++)
			v.push_back(std::string(i % 200, 'x'));
		delete[] (char *)opaque(new char[100]);
		::operator delete(opaque(::operator new(10, std::nothrow)),
				  std::nothrow);
	}
	REQUIRE(calls > 800);
	REQUIRE(live == 0);
	return 0;
}
