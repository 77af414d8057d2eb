// Parameters of every type, in any number, and what is refused.
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

/* The number of an array's elements: either sign, without a word about it. */
#pragma GCC diagnostic error "-Wpointer-sign"

static int count = 3;
static bool flag;
static char *title = "none";
static unsigned char small;
static short low;
static unsigned short port = 80;
static unsigned int mask;
static long far_off;
static unsigned long pages;
static unsigned long long bytes;
static unsigned int bits;
static bool quiet = true;
static int verbose;
static char tag[8] = "empty";
static int sizes[4];
static unsigned int nr_sizes;
static char *names[3] = { "-", "-", "-" };
static int nr_names;
static char *letters[2];
static bool on[2];
static int volume;

module_param(count, int, 0444);
MODULE_PARM_DESC(count, "the default is " __stringify(3));
module_param(flag, bool, 0644);
module_param(title, charp, 0);
module_param(small, byte, 0);
module_param(low, short, 0);
module_param(port, ushort, 0);
module_param(mask, uint, 0);
module_param_named(far, far_off, long, 0);
module_param(pages, ulong, 0);
module_param(bytes, ullong, 0);
module_param(bits, hexint, 0);
module_param_named(loud, quiet, invbool, 0);
module_param(verbose, bint, 0);
module_param_string(tag, tag, sizeof(tag), 0);
module_param_array(sizes, int, &nr_sizes, 0444);
module_param_array(names, charp, &nr_names, 0);
module_param_array(letters, charp, NULL, 0);
module_param_array_named(switches, on, bool, NULL, 0);

/* A type of its own. */
static int set_volume(const char *value, const struct kernel_param *p)
{
	int n, ret = kstrtoint(value, 0, &n);

	if (ret)
		return ret;
	if (n < 0 || n > 11)
		return -ERANGE;
	*(int *)p->arg = n;
	return 0;
}

static const struct kernel_param_ops volume_ops = {
	.set = set_volume,
	.get = param_get_int,
};
module_param_cb(volume, &volume_ops, &volume, 0644);

/* What was set stays, whoever gets the memory that is free then. */
static int too_many(void)
{
	int ret = param_array_ops.set("p,q,r", &liballoc_param_letters);
	char *other = kstrdup("1234567", GFP_KERNEL);

	if (ret != -EINVAL || strcmp(letters[0], "p") || strcmp(letters[1], "q"))
		return -EINVAL;
	kfree(other);
	return 0;
}

static int __init params_init(void)
{
	char text[32];

	pr_info("count=%d flag=%d title=%s small=%d low=%d port=%d\n", count,
		flag, title, small, low, port);
	pr_info("mask=%u far=%ld pages=%lu bytes=%llu bits=%#x\n", mask,
		far_off, pages, bytes, bits);
	pr_info("quiet=%d verbose=%d tag=%s volume=%d\n", quiet, verbose, tag,
		volume);
	pr_info("sizes=%d,%d,%d,%d of %u names=%s,%s,%s on=%d,%d\n", sizes[0],
		sizes[1], sizes[2], sizes[3], nr_sizes, names[0], names[1],
		names[2], on[0], on[1]);
	pr_info("%d names\n", nr_names);

	/* What would be read in /sys. */
	if (param_get_int(text, &liballoc_param_count) < 2 ||
	    text[strlen(text) - 1] != '\n')
		return -EINVAL;
	return too_many();
}

static void __exit params_exit(void)
{
	pr_info("names=%s at the end\n", names[0]);
}

module_init(params_init);
module_exit(params_exit);
MODULE_LICENSE("MIT");
