/*
 * loads.c - dlopen, dlclose, dlmopen and their failures.
 *
 *   loop, threads     libraries that allocate when they come and go
 *   missing           lookups that fail, for dlerror() allocates
 *   dlmopen           a second libc with a malloc of its own
 *   deepbind          a library bound to glibc's malloc, kept to itself
 *   deepbind-free     its pointer given to our free (must abort)
 *   deepbind-realloc  its pointer given to our realloc (must abort)
 */
#include "helper.h"

#include <dlfcn.h>
#include <pthread.h>

static char *beside(const char *format, size_t i)
{
	static _Thread_local char path[4200];
	ssize_t n = readlink("/proc/self/exe", path, 4095);

	REQUIRE(n > 0);
	path[n] = '\0';
	snprintf(strrchr(path, '/') + 1, 64, format, i);
	return path;
}

static void *symbol(void *lib, const char *name)
{
	void *addr = dlsym(lib, name);

	if (!addr)
		FAIL("%s", dlerror());
	return addr;
}

static void *open_lib(const char *path, int flags)
{
	void *lib = dlopen(path, flags);

	if (!lib)
		FAIL("%s", dlerror());
	return lib;
}

static void use(size_t i)
{
	void *lib = open_lib(beside("libload%zu.so", i), RTLD_NOW);
	void *(*alloc)(size_t) = (void *(*)(size_t))symbol(lib, "load_alloc");
	void (*release)(void *) = (void (*)(void *))symbol(lib, "load_free");
	void *p = alloc(100 + i), *q = malloc(200 + i);

	REQUIRE(p && q);
	fill(p, 100 + i, i);
	fill(q, 200 + i, i);
	REQUIRE(intact(p, 100 + i, i) && intact(q, 200 + i, i));
	/* Crosswise: a library and its program have one malloc. */
	free(p);
	release(q);
	p = alloc(5000);
	REQUIRE(!dlclose(lib));
	free(p);
}

static void *use_often(void *arg)
{
	for (size_t i = 0; i < 40; i++) {
		use(((size_t)arg + i) % 16);
		churn(50, i);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[16];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, use_often, (void *)i));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
}

static void *missing(void *arg)
{
	for (int i = 0; i < 300; i++) {
		REQUIRE(!dlopen("no-such-library.so.99", RTLD_NOW));
		REQUIRE(dlerror());
		REQUIRE(!dlsym(RTLD_DEFAULT, "no_such_function"));
		REQUIRE(strstr(dlerror(), "no_such_function"));
	}
	return arg;
}

static void missing_everywhere(void)
{
	pthread_t t[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, missing, NULL));
	missing(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
}

static void namespace(void)
{
	void *lib = dlmopen(LM_ID_NEWLM, beside("libload%zu.so", 0), RTLD_NOW);
	void *(*alloc)(size_t);
	void (*release)(void *);
	void *p[100];

	if (!lib)
		SKIP("dlmopen: %s", dlerror());
	alloc = (void *(*)(size_t))symbol(lib, "load_alloc");
	release = (void (*)(void *))symbol(lib, "load_free");
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = alloc(10 + i * 100);
		REQUIRE(p[i]);
		fill(p[i], 10 + i * 100, i);
		churn(10, i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		REQUIRE(intact(p[i], 10 + i * 100, i));
		release(p[i]);
	}
	REQUIRE(!dlclose(lib));
}

/* RTLD_DEEPBIND looks for malloc in the library's own dependencies first. */
static void deepbind(const char *how)
{
	void *lib = open_lib(beside("libload%zu.so", 1),
			     RTLD_NOW | RTLD_DEEPBIND);
	void *(*alloc)(size_t) = (void *(*)(size_t))symbol(lib, "load_alloc");
	void (*release)(void *) = (void (*)(void *))symbol(lib, "load_free");

	if (!strcmp(how, "deepbind-free"))
		free(alloc(100));
	if (!strcmp(how, "deepbind-realloc"))
		free(realloc(alloc(100), 5000));
	for (int i = 0; i < 1000; i++)
		release(alloc(i * 10));
	churn(1000, 1);
	REQUIRE(!dlclose(lib));
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	alarm(300);
	if (!strcmp(how, "loop"))
		for (int i = 0; i < 10; i++)
			use_often(NULL);
	else if (!strcmp(how, "threads"))
		threads();
	else if (!strcmp(how, "missing"))
		missing_everywhere();
	else if (!strcmp(how, "dlmopen"))
		namespace();
	else
		deepbind(how);
	return 0;
}
