/* linux/module.h - module_init() and module_exit(), and a main() that calls them. */
#ifndef LIBALLOC_LINUX_MODULE_H
#define LIBALLOC_LINUX_MODULE_H

#include <linux/export.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#define MODULE_LICENSE(text)	  _Static_assert(1, text)
#define MODULE_AUTHOR(text)	  _Static_assert(1, text)
#define MODULE_DESCRIPTION(text)  _Static_assert(1, text)
#define MODULE_VERSION(text)	  _Static_assert(1, text)
#define MODULE_ALIAS(text)	  _Static_assert(1, text)
#define MODULE_INFO(tag, text)	  _Static_assert(1, text)

/*
 * Functions to call at the start and at the end of the program, of all files
 * that are linked, in that order.  Call them from a main() of your own by
 * liballoc_module_load(argc, argv) and liballoc_module_unload(), or compile
 * with -DLIBALLOC_MODULE_MAIN, which makes one: it loads, says why if that
 * fails, and unloads.  Arguments name=value set parameters.
 */
typedef int (*liballoc_initcall_t)(void);
typedef void (*liballoc_exitcall_t)(void);

#define module_init(fn)							\
	static liballoc_initcall_t liballoc_initcall_of_##fn		\
	__attribute__((__section__("liballoc_inits"), __used__)) = fn
#define module_exit(fn)							\
	static liballoc_exitcall_t liballoc_exitcall_of_##fn		\
	__attribute__((__section__("liballoc_exits"), __used__)) = fn
#define late_initcall(fn)	module_init(fn)
#define subsys_initcall(fn)	module_init(fn)
#define device_initcall(fn)	module_init(fn)

extern liballoc_initcall_t __start_liballoc_inits[] __weak;
extern liballoc_initcall_t __stop_liballoc_inits[] __weak;
extern liballoc_exitcall_t __start_liballoc_exits[] __weak;
extern liballoc_exitcall_t __stop_liballoc_exits[] __weak;
extern struct liballoc_param __start_liballoc_params[] __weak;
extern struct liballoc_param __stop_liballoc_params[] __weak;

static inline int liballoc_param_set(const struct liballoc_param *p,
				     const char *value)
{
	unsigned long u = 0;
	long n = 0;
	int ret;

	switch (p->type) {
	case liballoc_param_charp:
		*(const char **)p->var = value;
		return 0;
	case liballoc_param_bool:
		*(bool *)p->var = *value == 'y' || *value == 'Y' ||
				  *value == '1';
		return 0;
	case liballoc_param_ushort:
	case liballoc_param_uint:
	case liballoc_param_ulong:
		ret = kstrtoul(value, 0, &u);
		break;
	default:
		ret = kstrtol(value, 0, &n);
	}
	if (ret)
		return ret;
	switch (p->type) {
	case liballoc_param_short:
		*(short *)p->var = (short)n;
		return n == (short)n ? 0 : -ERANGE;
	case liballoc_param_ushort:
		*(unsigned short *)p->var = (unsigned short)u;
		return u == (unsigned short)u ? 0 : -ERANGE;
	case liballoc_param_int:
		*(int *)p->var = (int)n;
		return n == (int)n ? 0 : -ERANGE;
	case liballoc_param_uint:
		*(unsigned int *)p->var = (unsigned int)u;
		return u == (unsigned int)u ? 0 : -ERANGE;
	case liballoc_param_ulong:
		*(unsigned long *)p->var = u;
		return 0;
	default:
		*(long *)p->var = n;
		return 0;
	}
}

static inline int liballoc_param_parse(const char *arg)
{
	const struct liballoc_param *p;
	const char *eq = strchr(arg, '=');
	size_t len = eq ? (size_t)(eq - arg) : strlen(arg);

	for (p = __start_liballoc_params; p < __stop_liballoc_params; p++)
		if (strlen(p->name) == len && !memcmp(p->name, arg, len))
			return liballoc_param_set(p, eq ? eq + 1 : "y");
	return -ENOENT;
}

/* The error of the first function that failed; 0 if none has. */
static inline int liballoc_module_load(int argc, char **argv)
{
	liballoc_initcall_t *fn;
	int i, ret;

	for (i = 1; i < argc; i++) {
		ret = liballoc_param_parse(argv[i]);
		if (ret) {
			pr_err("module parameter %s: error %d\n", argv[i], ret);
			return ret;
		}
	}
	for (fn = __start_liballoc_inits; fn < __stop_liballoc_inits; fn++) {
		ret = (*fn)();
		if (ret)
			return ret;
	}
	return 0;
}

static inline void liballoc_module_unload(void)
{
	liballoc_exitcall_t *fn = __stop_liballoc_exits;

	while (fn > __start_liballoc_exits)
		(*--fn)();
}

#ifdef LIBALLOC_MODULE_MAIN
__weak int main(int argc, char **argv)
{
	int ret = liballoc_module_load(argc, argv);

	if (ret) {
		pr_err("could not insert module: error %d\n", ret);
		return 1;
	}
	liballoc_module_unload();
	return 0;
}
#endif

#endif
