/*
 * cxx_test.cc - do the C++ operators keep their contracts?
 *
 * Every replaceable form is called by name, so that the compiler can neither
 * elide a pair nor choose another form; then the standard library's
 * containers, and failure: new_handler, bad_alloc, nullptr.
 */
#include "conformance.h"

#include <algorithm>
#include <malloc.h>
#include <map>
#include <memory>
#include <new>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

TEST_INTERPOSED(cxx)

static const std::size_t sizes[] = {
	1, 8, 16, 24, 48, 100, 512, 1000, 4096, 5000, 40000, 300000, 5000000,
};

/* Not a constant: the compiler must not see the size it refuses. */
static volatile std::size_t impossible = SIZE_MAX / 2 + 100;

Test(cxx, operators_come_from_the_allocator)
{
	static const char *const names[] = {
		"_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t",
		"_ZnwmSt11align_val_t", "_ZnamSt11align_val_t",
		"_ZnwmSt11align_val_tRKSt9nothrow_t",
		"_ZnamSt11align_val_tRKSt9nothrow_t",
		"_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm",
		"_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t",
		"_ZdlPvSt11align_val_t", "_ZdaPvSt11align_val_t",
		"_ZdlPvmSt11align_val_t", "_ZdaPvmSt11align_val_t",
		"_ZdlPvSt11align_val_tRKSt9nothrow_t",
		"_ZdaPvSt11align_val_tRKSt9nothrow_t",
	};

	needs_liballoc("completeness is asked of liballoc");
	for (const char *name : names)
		REQUIRE(served_by_allocator(name), "%s is in %s", name,
			object_of(name));
}

static void use(void *p, std::size_t n)
{
	REQUIRE(p, "nullptr for %zu", n);
	REQUIRE(aligned_to(p, n >= 16 ? 16 : 8), "%p for %zu", p, n);
	std::size_t some = std::min<std::size_t>(n, 5000);
	fill(p, some, n);
	REQUIRE(malloc_usable_size(p) >= n, "too small");
	REQUIRE(intact(p, some, n), "changed");
}

Test(cxx, plain_array_nothrow_and_sized)
{
	for (std::size_t n : sizes) {
		void *p = ::operator new(n);
		use(p, n);
		::operator delete(p);
		p = ::operator new(n);
		use(p, n);
		::operator delete(p, n);
		p = ::operator new(n, std::nothrow);
		use(p, n);
		::operator delete(p, std::nothrow);
		p = ::operator new[](n);
		use(p, n);
		::operator delete[](p);
		p = ::operator new[](n);
		use(p, n);
		::operator delete[](p, n);
		p = ::operator new[](n, std::nothrow);
		use(p, n);
		::operator delete[](p, std::nothrow);
	}
}

Test(cxx, aligned_forms, .timeout = 320)
{
	for (std::size_t a = 8; a <= 4 * MIB; a *= 2) {
		std::align_val_t al{a};
		auto check = [a](void *p, std::size_t n) {
			use(p, n);
			REQUIRE(aligned_to(p, a), "%p not aligned to %zu", p,
				a);
		};

		for (std::size_t n : sizes) {
			void *p = ::operator new(n, al);
			check(p, n);
			::operator delete(p, al);
			p = ::operator new(n, al);
			check(p, n);
			::operator delete(p, n, al);
			p = ::operator new(n, al, std::nothrow);
			check(p, n);
			::operator delete(p, al, std::nothrow);
			p = ::operator new[](n, al);
			check(p, n);
			::operator delete[](p, al);
			p = ::operator new[](n, al);
			check(p, n);
			::operator delete[](p, n, al);
			p = ::operator new[](n, al, std::nothrow);
			check(p, n);
			::operator delete[](p, al, std::nothrow);
		}
	}
}

struct alignas(64) line {
	char bytes[64];
};

Test(cxx, new_expression_of_an_overaligned_type)
{
	for (int i = 0; i < 100; i++) {
		line *p = new line;
		line *a = new line[3];

		REQUIRE(aligned_to(p, 64), "line at %p", (void *)p);
		REQUIRE(aligned_to(a, 64), "lines at %p", (void *)a);
		fill(a, 3 * sizeof(line), i);
		delete p;
		delete[] a;
	}
}

Test(cxx, zero_size_is_unique)
{
	void *p = ::operator new(opaque_size(0));
	void *q = ::operator new(opaque_size(0));
	void *r = ::operator new[](opaque_size(0), std::nothrow);

	cr_assert(p && q && r && p != q && q != r && p != r);
	::operator delete(p);
	::operator delete(q, opaque_size(0));
	::operator delete[](r);
}

Test(cxx, delete_null_is_nothing)
{
	void *null = opaque(nullptr);
	std::align_val_t al{64};

	::operator delete(null);
	::operator delete[](null);
	::operator delete(null, opaque_size(8));
	::operator delete[](null, opaque_size(8));
	::operator delete(null, std::nothrow);
	::operator delete[](null, std::nothrow);
	::operator delete(null, al);
	::operator delete[](null, al);
	::operator delete(null, opaque_size(64), al);
	::operator delete[](null, opaque_size(64), al);
	::operator delete(null, al, std::nothrow);
	::operator delete[](null, al, std::nothrow);
}

Test(cxx, delete_keeps_errno)
{
	for (std::size_t n : sizes) {
		void *p = ::operator new(n);

		errno = 4242;
		::operator delete(p);
		REQUIRE(errno == 4242, "errno %d", errno);
	}
}

template <typename F> static bool throws_bad_alloc(F f)
{
	try {
		opaque(f());
	} catch (const std::bad_alloc &e) {
		return e.what() && *e.what();
	}
	return false;
}

Test(cxx, throwing_forms_throw_bad_alloc)
{
	std::align_val_t al{64};

	cr_assert(throws_bad_alloc([] { return ::operator new(impossible); }));
	cr_assert(throws_bad_alloc(
		[] { return ::operator new[](impossible); }));
	cr_assert(throws_bad_alloc(
		[&] { return ::operator new(impossible, al); }));
	cr_assert(throws_bad_alloc(
		[&] { return ::operator new[](impossible, al); }));
	cr_assert(throws_bad_alloc([] {
		impossible = SIZE_MAX;
		return ::operator new(impossible);
	}));
}

Test(cxx, a_hundred_exceptions_in_each_of_several_threads)
{
	std::vector<std::thread> threads;
	int bad[4] = {};

	for (int t = 0; t < 4; t++)
		threads.emplace_back([&bad, t] {
			for (int i = 0; i < 100; i++)
				bad[t] += !throws_bad_alloc([] {
					return ::operator new(impossible);
				});
		});
	for (auto &t : threads)
		t.join();
	cr_assert(!bad[0] && !bad[1] && !bad[2] && !bad[3]);
}

Test(cxx, nothrow_forms_return_nullptr)
{
	std::align_val_t al{64};

	cr_assert_null(::operator new(impossible, std::nothrow));
	cr_assert_null(::operator new[](impossible, std::nothrow));
	cr_assert_null(::operator new(impossible, al, std::nothrow));
	cr_assert_null(::operator new[](impossible, al, std::nothrow));
}

static int handler_calls;

static void give_up_after_three()
{
	if (++handler_calls == 3)
		std::set_new_handler(nullptr);
}

static void handler_throws()
{
	handler_calls++;
	throw std::bad_alloc();
}

Test(cxx, new_handler_is_called_until_it_gives_up)
{
	std::align_val_t al{4096};

	handler_calls = 0;
	std::set_new_handler(give_up_after_three);
	cr_assert(throws_bad_alloc([] { return ::operator new(impossible); }));
	cr_assert_eq(handler_calls, 3);

	handler_calls = 0;
	std::set_new_handler(give_up_after_three);
	cr_assert(throws_bad_alloc(
		[&] { return ::operator new[](impossible, al); }));
	cr_assert_eq(handler_calls, 3);
}

Test(cxx, nothrow_calls_the_new_handler_too)
{
	handler_calls = 0;
	std::set_new_handler(give_up_after_three);
	cr_assert_null(::operator new(impossible, std::nothrow));
	cr_assert_eq(handler_calls, 3);
}

Test(cxx, a_handler_that_throws)
{
	handler_calls = 0;
	std::set_new_handler(handler_throws);
	cr_assert(throws_bad_alloc([] { return ::operator new(impossible); }));
	cr_assert_eq(handler_calls, 1);
	cr_assert_null(::operator new(impossible, std::nothrow));
	cr_assert_eq(handler_calls, 2);
	std::set_new_handler(nullptr);
}

struct other_error {
};

/* What a handler throws passes through new as it is. */
Test(cxx, a_handler_that_throws_something_else)
{
	bool caught = false;

	std::set_new_handler([] { throw other_error(); });
	try {
		opaque(::operator new(impossible));
	} catch (const other_error &) {
		caught = true;
	}
	std::set_new_handler(nullptr);
	cr_assert(caught);
}

/* malloc never calls the new_handler. */
Test(cxx, malloc_does_not_call_the_new_handler)
{
	handler_calls = 0;
	std::set_new_handler(give_up_after_three);
	cr_assert_null(malloc(impossible));
	cr_assert_eq(handler_calls, 0);
	std::set_new_handler(nullptr);
}

Test(cxx, new_works_after_failure)
{
	for (int i = 0; i < 100; i++) {
		throws_bad_alloc([] { return ::operator new(impossible); });
		void *p = ::operator new(100 + i);
		use(p, 100 + i);
		::operator delete(p);
	}
}

Test(cxx, containers)
{
	std::map<std::string, std::vector<int>> m;
	std::vector<std::shared_ptr<std::string>> shared;

	for (int i = 0; i < 20000; i++) {
		m[std::to_string(i % 977)].push_back(i);
		if (i % 3 == 0)
			shared.push_back(std::make_shared<std::string>(
				i % 200, 'x'));
		if (i % 50 == 0)
			m.erase(std::to_string(i / 50));
	}
	for (auto &kv : m)
		REQUIRE(std::is_sorted(kv.second.begin(), kv.second.end()),
			"vector changed");
	for (auto &s : shared)
		REQUIRE(s->find_first_not_of('x') == std::string::npos,
			"string changed");
}

/*
 * libstdc++ allocates with malloc what it frees with free, and with new what
 * it frees with delete; an allocator must not mix the two by exporting one
 * family alone.  Exceptions are malloc's, std::string is new's.
 */
Test(cxx, both_families_have_one_owner)
{
	needs_liballoc("asked of liballoc");
	cr_assert_str_eq(object_of("malloc"), object_of("_Znwm"));
	cr_assert_str_eq(object_of("free"), object_of("_ZdlPv"));
}

struct noisy {
	std::string s = std::string(100, 'a');
	~noisy() { s += std::string(1000, 'b'); }
};

static thread_local noisy at_thread_exit;

Test(cxx, thread_local_destructors_allocate)
{
	for (int i = 0; i < 300; i++)
		std::thread([] { at_thread_exit.s += "touched"; }).join();
}

/*
 * Buffers of 8 to 64 KiB that are kept at hand (mm/pcp_range.c), whoever asks
 * for one and gives it back: which one comes next says by which way it went.
 */
using take_fn = void *(std::size_t);
using give_fn = void(void *, std::size_t);

static constexpr std::size_t BUFFER = 20000;

static void *take_malloc(std::size_t n) { return malloc(n); }
static void *take_new(std::size_t n) { return ::operator new(n); }
static void give_free(void *p, std::size_t) { free(p); }
static void give_delete(void *p, std::size_t) { ::operator delete(p); }
static void give_sized(void *p, std::size_t n) { ::operator delete(p, n); }

static void give_free_sized(void *p, std::size_t n)
{
	static const auto sized = reinterpret_cast<give_fn *>(
		optional_symbol("free_sized"));

	sized(p, n);
}

static void buffers_have_lists()
{
	void *p[4];

	for (int i = 0; i < 12; i++)
		opaque(malloc(900 << 10));
	for (int n = 0; n < 6000; n++) {
		for (void *&q : p)
			q = opaque(malloc(BUFFER));
		for (void *q : p)
			free(q);
	}
}

/* Of who frees what he took last, one buffer waits elsewhere (mm/last.c). */
static void take_and_give(take_fn *take, give_fn *give, std::size_t n)
{
	for (int i = 0; i < 64; i++)
		give(opaque(take(n)), n);
}

static void *take_zeroed(std::size_t n) { return calloc(1, n); }

/* The next is the one that was given back. */
static bool given(give_fn *give)
{
	void *p, *q;

	take_and_give(take_zeroed, give, BUFFER);
	give(p = opaque(calloc(1, BUFFER)), BUFFER);
	free(q = opaque(malloc(BUFFER)));
	return p == q;
}

/* It is of that list, not cut from what waits elsewhere. */
static bool taken(take_fn *take)
{
	void *p, *q;

	free(p = opaque(malloc(BUFFER)));
	take_and_give(take_malloc, give_free, 5 * BUFFER);
	free(q = opaque(take(BUFFER)));
	return p == q;
}

/* Once in a few hundred calls it goes the long way. */
template <typename fn, typename way> static bool mostly(fn *test, way *by)
{
	int times = 0;

	for (int i = 0; i < 10; i++)
		times += test(by);
	return times >= 7;
}

Test(cxx, buffers_go_one_way_by_every_call)
{
	cpu_set_t cpus;

	needs_liballoc("its own promise");
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	buffers_have_lists();
	if (!mostly(given, give_free) || !mostly(taken, take_malloc))
		cr_skip_test("buffers are not at hand of their CPU");
	cr_expect(mostly(given, give_free_sized));
	cr_expect(mostly(given, give_delete));
	cr_expect(mostly(given, give_sized));
	cr_expect(mostly(taken, take_new));
}
