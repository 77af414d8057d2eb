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
	liballoc_section("liballoc_inits") = fn
#define module_exit(fn)							\
	static liballoc_exitcall_t liballoc_exitcall_of_##fn		\
	liballoc_section("liballoc_exits") = fn
#define late_initcall(fn)	module_init(fn)
#define subsys_initcall(fn)	module_init(fn)
#define device_initcall(fn)	module_init(fn)

extern liballoc_initcall_t __start_liballoc_inits[] __weak;
extern liballoc_initcall_t __stop_liballoc_inits[] __weak;
extern liballoc_exitcall_t __start_liballoc_exits[] __weak;
extern liballoc_exitcall_t __stop_liballoc_exits[] __weak;
extern const struct kernel_param *__start_liballoc_params[] __weak;
extern const struct kernel_param *__stop_liballoc_params[] __weak;

/* Of the first @len bytes of @arg; - and _ are the same. */
static inline bool liballoc_param_is(const char *name, const char *arg,
				     size_t len)
{
	size_t i;

	for (i = 0; i < len && name[i]; i++)
		if (name[i] != (arg[i] == '-' ? '_' : arg[i]))
			return false;
	return i == len && !name[i];
}

static inline int liballoc_param_parse(const char *arg)
{
	const struct kernel_param **p;
	const char *eq = strchr(arg, '=');
	size_t len = eq ? (size_t)(eq - arg) : strlen(arg);

	for (p = __start_liballoc_params; p < __stop_liballoc_params; p++) {
		if (!liballoc_param_is((*p)->name, arg, len))
			continue;
		if (!eq && !((*p)->ops->flags & KERNEL_PARAM_OPS_FL_NOARG))
			return -EINVAL;
		return (*p)->ops->set(eq ? eq + 1 : NULL, *p);
	}
	return -ENOENT;
}

static inline void liballoc_param_free_all(void)
{
	const struct kernel_param **p;

	for (p = __start_liballoc_params; p < __stop_liballoc_params; p++)
		if ((*p)->ops->free)
			(*p)->ops->free((*p)->arg);
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
	liballoc_param_free_all();
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
