// Objects that two owners share and the last of them frees.
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

struct buffer {
	struct kref refs;
	char *data;
	size_t len;
};

static atomic_t released = ATOMIC_INIT(0);

static void buffer_release(struct kref *kref)
{
	struct buffer *b = container_of(kref, struct buffer, refs);

	atomic_inc(&released);
	kfree(b->data);
	kfree(b);
}

static struct buffer *buffer_create(const char *text)
{
	struct buffer *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return ERR_PTR(-ENOMEM);
	b->data = kstrdup(text, GFP_KERNEL);
	if (!b->data) {
		kfree(b);
		return ERR_PTR(-ENOMEM);
	}
	b->len = strlen(text);
	kref_init(&b->refs);
	return b;
}

static int reader(void *arg)
{
	struct buffer *b = arg;
	size_t len = b->len;

	kref_put(&b->refs, buffer_release);
	return (int)len;
}

static int __init references_init(void)
{
	struct task_struct *t;
	struct buffer *b;

	b = buffer_create("shared by two");
	if (IS_ERR(b))
		return PTR_ERR(b);
	kref_get(&b->refs);		/* the thread's own */
	pr_info("%u references before the thread\n", kref_read(&b->refs));
	t = kthread_run(reader, b, "reader");
	if (IS_ERR(t)) {
		kref_put(&b->refs, buffer_release);
		kref_put(&b->refs, buffer_release);
		return PTR_ERR(t);
	}
	pr_info("the thread saw %d bytes\n", kthread_stop(t));
	pr_info("released %d times with one reference left\n",
		atomic_read(&released));
	kref_put(&b->refs, buffer_release);
	pr_info("released %d time by the last\n", atomic_read(&released));

	/* One too many does not wrap: the count sticks, and it is said. */
	{
		refcount_t r = REFCOUNT_INIT(1);

		refcount_set(&r, REFCOUNT_MAX);
		refcount_inc(&r);
		pr_info("one above the most: %s\n",
			(int)refcount_read(&r) == REFCOUNT_SATURATED ?
			"saturated" : "wrapped");
	}
	return 0;
}

static void __exit references_exit(void)
{
}

module_init(references_init);
module_exit(references_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Reference counts");
