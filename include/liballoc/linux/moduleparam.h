/* linux/moduleparam.h - parameters: name=value on the command line. */
#ifndef LIBALLOC_LINUX_MODULEPARAM_H
#define LIBALLOC_LINUX_MODULEPARAM_H

#include <sys/stat.h>

#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/stringify.h>
#include <linux/string.h>
#include <linux/types.h>

/* Of files in /sys, which there are none of: nothing calls ops->get. */
#ifndef S_IRUGO
#define S_IRUGO		(S_IRUSR | S_IRGRP | S_IROTH)
#endif

struct kernel_param;

/* @set also takes NULL, for a name without a value, with this flag. */
#define KERNEL_PARAM_OPS_FL_NOARG	1u

struct kernel_param_ops {
	unsigned int flags;
	int (*set)(const char *value, const struct kernel_param *p);
	int (*get)(char *buffer, const struct kernel_param *p);
	void (*free)(void *arg);	/* when the module is unloaded */
};

struct kparam_string {
	unsigned int maxlen;
	char *string;
};

/* In front of its characters. */
struct liballoc_param_text {
	struct liballoc_param_text *next;
};

struct kparam_array {
	unsigned int max;
	unsigned int elemsize;
	unsigned int *num;		/* elements that were set, or NULL */
	const struct kernel_param_ops *ops;
	void *elem;
	struct liballoc_param_text *texts; /* what strings point into */
};

struct kernel_param {
	const char *name;
	const struct kernel_param_ops *ops;
	unsigned short perm;
	union {
		void *arg;
		const struct kparam_string *str;
		struct kparam_array *arr;
	};
};

/*
 * A section holds their addresses, and the linker marks its ends.  Not
 * themselves: a compiler may leave room between two structures in a section,
 * as it aligns large ones better than they need.
 */
#define LIBALLOC_PARAM(id, name, ops, mode, arg)			\
	static const struct kernel_param liballoc_param_##id =		\
		{ name, ops, mode, { arg } };				\
	static const struct kernel_param *liballoc_param_at_##id	\
	liballoc_section("liballoc_params") =				\
		&liballoc_param_##id

#define module_param_cb(name, ops, arg, perm)				\
	LIBALLOC_PARAM(name, #name, ops, perm, arg)

/*
 * Types: byte short ushort int uint long ulong ullong hexint charp bool
 * invbool bint.  They are pasted here, not handed on: bool is a macro.
 */
#define module_param(name, type, perm)					\
	param_check_##type(name, name);					\
	LIBALLOC_PARAM(name, #name, &param_ops_##type, perm, &(name))
#define module_param_named(name, variable, type, perm)			\
	param_check_##type(name, variable);				\
	LIBALLOC_PARAM(name, #name, &param_ops_##type, perm, &(variable))

/* An array of @len bytes: the value with its 0 byte, or -ENOSPC. */
#define module_param_string(name, array, len, perm)			\
	static const struct kparam_string liballoc_string_##name =	\
		{ len, array };						\
	LIBALLOC_PARAM(name, #name, &param_ops_string, perm,		\
		       (void *)&liballoc_string_##name)

/*
 * name=value,value,... of which *@nump, if that is not NULL, is the number: an
 * unsigned int, or an int, which much code has.
 */
#define module_param_array(name, type, nump, perm)			\
	param_check_##type(name, (name)[0]);				\
	LIBALLOC_PARAM_ARRAY(name, name, &param_ops_##type, nump, perm)
#define module_param_array_named(name, array, type, nump, perm)	\
	param_check_##type(name, (array)[0]);				\
	LIBALLOC_PARAM_ARRAY(name, array, &param_ops_##type, nump, perm)
#define LIBALLOC_PARAM_ARRAY(id, array, ops, nump, perm)		\
	static struct kparam_array liballoc_array_##id = {		\
		ARRAY_SIZE(array), sizeof((array)[0]),			\
		LIBALLOC_PARAM_COUNT(nump), ops, array, NULL };		\
	LIBALLOC_PARAM(id, #id, &param_array_ops, perm, &liballoc_array_##id)

#define LIBALLOC_PARAM_COUNT(nump)					\
	__builtin_choose_expr(__builtin_types_compatible_p(		\
		__typeof__(nump), int *), (unsigned int *)(nump), nump)

#define MODULE_PARM_DESC(name, text)	_Static_assert(1, text)

/* --- the types --- */

#define LIBALLOC_PARAM_CHECK(name, variable, ctype)			\
	_Static_assert(__builtin_types_compatible_p(			\
		__typeof__(variable), ctype),				\
		"parameter " #name ": not a variable of type " #ctype)

#define LIBALLOC_PARAM_TYPE(type, ctype, parse, format)		\
static inline int param_set_##type(const char *value,			\
				   const struct kernel_param *p)	\
{									\
	return parse(value, 0, (ctype *)p->arg);			\
}									\
static inline int param_get_##type(char *buffer,			\
				   const struct kernel_param *p)	\
{									\
	return sprintf(buffer, format "\n", *(ctype *)p->arg);		\
}									\
static const struct kernel_param_ops param_ops_##type __maybe_unused =	\
	{ 0, param_set_##type, param_get_##type, NULL };

LIBALLOC_PARAM_TYPE(byte, unsigned char, kstrtou8, "%hhu")
LIBALLOC_PARAM_TYPE(short, short, kstrtos16, "%hd")
LIBALLOC_PARAM_TYPE(ushort, unsigned short, kstrtou16, "%hu")
LIBALLOC_PARAM_TYPE(int, int, kstrtoint, "%d")
LIBALLOC_PARAM_TYPE(uint, unsigned int, kstrtouint, "%u")
LIBALLOC_PARAM_TYPE(long, long, kstrtol, "%ld")
LIBALLOC_PARAM_TYPE(ulong, unsigned long, kstrtoul, "%lu")
LIBALLOC_PARAM_TYPE(ullong, unsigned long long, kstrtoull, "%llu")
LIBALLOC_PARAM_TYPE(hexint, unsigned int, kstrtouint, "%#08x")

#define param_check_byte(n, v)	  LIBALLOC_PARAM_CHECK(n, v, unsigned char)
#define param_check_short(n, v)	  LIBALLOC_PARAM_CHECK(n, v, short)
#define param_check_ushort(n, v)  LIBALLOC_PARAM_CHECK(n, v, unsigned short)
#define param_check_int(n, v)	  LIBALLOC_PARAM_CHECK(n, v, int)
#define param_check_uint(n, v)	  LIBALLOC_PARAM_CHECK(n, v, unsigned int)
#define param_check_long(n, v)	  LIBALLOC_PARAM_CHECK(n, v, long)
#define param_check_ulong(n, v)	  LIBALLOC_PARAM_CHECK(n, v, unsigned long)
#define param_check_ullong(n, v)  \
	LIBALLOC_PARAM_CHECK(n, v, unsigned long long)
#define param_check_hexint(n, v)  LIBALLOC_PARAM_CHECK(n, v, unsigned int)
#define param_check_charp(n, v)	  LIBALLOC_PARAM_CHECK(n, v, char *)
#define param_check_bool(n, v)	  LIBALLOC_PARAM_CHECK(n, v, _Bool)
#define param_check_invbool(n, v) LIBALLOC_PARAM_CHECK(n, v, _Bool)
#define param_check_bint(n, v)	  LIBALLOC_PARAM_CHECK(n, v, int)

/* Up to the end of the program: the value itself, not a copy. */
static inline int param_set_charp(const char *value,
				  const struct kernel_param *p)
{
	*(const char **)p->arg = value;
	return 0;
}

static inline int param_get_charp(char *buffer, const struct kernel_param *p)
{
	return sprintf(buffer, "%s\n", *(char **)p->arg);
}

/* A name without a value is a yes. */
static inline int param_set_bool(const char *value,
				 const struct kernel_param *p)
{
	return kstrtobool(value ? value : "y", (bool *)p->arg);
}

static inline int param_get_bool(char *buffer, const struct kernel_param *p)
{
	return sprintf(buffer, "%c\n", *(bool *)p->arg ? 'Y' : 'N');
}

static inline int param_set_invbool(const char *value,
				    const struct kernel_param *p)
{
	bool yes;
	int ret = kstrtobool(value, &yes);

	if (!ret)
		*(bool *)p->arg = !yes;
	return ret;
}

static inline int param_get_invbool(char *buffer,
				    const struct kernel_param *p)
{
	return sprintf(buffer, "%c\n", *(bool *)p->arg ? 'N' : 'Y');
}

/* An int that is 0 or 1. */
static inline int param_set_bint(const char *value,
				 const struct kernel_param *p)
{
	bool yes;
	int ret = kstrtobool(value ? value : "y", &yes);

	if (!ret)
		*(int *)p->arg = yes;
	return ret;
}

static const struct kernel_param_ops param_ops_charp __maybe_unused =
	{ 0, param_set_charp, param_get_charp, NULL };
static const struct kernel_param_ops param_ops_bool __maybe_unused =
	{ KERNEL_PARAM_OPS_FL_NOARG, param_set_bool, param_get_bool, NULL };
static const struct kernel_param_ops param_ops_invbool __maybe_unused =
	{ 0, param_set_invbool, param_get_invbool, NULL };
static const struct kernel_param_ops param_ops_bint __maybe_unused =
	{ KERNEL_PARAM_OPS_FL_NOARG, param_set_bint, param_get_int, NULL };

static inline int param_set_copystring(const char *value,
				       const struct kernel_param *p)
{
	size_t len = strlen(value);

	if (len >= p->str->maxlen)
		return -ENOSPC;
	memcpy(p->str->string, value, len + 1);
	return 0;
}

static inline int param_get_string(char *buffer, const struct kernel_param *p)
{
	return sprintf(buffer, "%s\n", p->str->string);
}

static const struct kernel_param_ops param_ops_string __maybe_unused =
	{ 0, param_set_copystring, param_get_string, NULL };

static inline void liballoc_param_array_free(void *arg)
{
	struct kparam_array *arr = (struct kparam_array *)arg;

	while (arr->texts) {
		struct liballoc_param_text *text = arr->texts;

		arr->texts = text->next;
		kfree(text);
	}
}

/* A copy that stays: elements may point into it also if others are set anew. */
static inline char *liballoc_param_array_text(struct kparam_array *arr,
					      const char *value)
{
	size_t size = strlen(value) + 1;
	struct liballoc_param_text *text = (struct liballoc_param_text *)
		kmalloc(sizeof(*text) + size, GFP_KERNEL);

	if (!text)
		return NULL;
	text->next = arr->texts;
	arr->texts = text;
	return (char *)memcpy(text + 1, value, size);
}

/*
 * -EINVAL, too, if there are more than the array has.  Those before the error
 * are set.
 */
static inline int param_array_set(const char *value,
				  const struct kernel_param *p)
{
	struct kparam_array *arr = p->arr;
	struct kernel_param one = { p->name, arr->ops, p->perm, { arr->elem } };
	char *s = liballoc_param_array_text(arr, value), *comma;
	unsigned int n = 0;
	int ret = s ? 0 : -ENOMEM;

	for (; !ret && s; s = comma, n++) {
		comma = strchr(s, ',');
		if (comma)
			*comma++ = '\0';
		ret = n < arr->max ? arr->ops->set(s, &one) : -EINVAL;
		one.arg = (char *)one.arg + arr->elemsize;
	}
	if (!ret && arr->num)
		*arr->num = n;
	return ret;
}

static const struct kernel_param_ops param_array_ops __maybe_unused =
	{ 0, param_array_set, NULL, liballoc_param_array_free };

#endif
