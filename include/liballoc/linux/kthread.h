/* linux/kthread.h - kernel threads, as threads of the program. */
#ifndef LIBALLOC_LINUX_KTHREAD_H
#define LIBALLOC_LINUX_KTHREAD_H

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>

static inline void *liballoc_kthread_main(void *arg)
{
	struct task_struct *t = (struct task_struct *)arg;

	liballoc_current = t;
	pthread_setname_np(pthread_self(), t->comm);
	t->tgid = getpid();
	t->pid = gettid();
	t->result = t->fn(t->data);
	return NULL;
}

/* Started at once; freed by kthread_stop(), which has to come. */
static inline __printf(3, 4) struct task_struct *
kthread_run(int (*fn)(void *data), void *data, const char *name, ...)
{
	struct task_struct *t =
		(struct task_struct *)kzalloc(sizeof(*t), GFP_KERNEL);
	va_list ap;
	int ret;

	if (!t)
		return (struct task_struct *)ERR_PTR(-ENOMEM);
	va_start(ap, name);
	vsnprintf(t->comm, sizeof(t->comm), name, ap);
	va_end(ap);
	t->fn = fn;
	t->data = data;
	ret = pthread_create(&t->thread, NULL, liballoc_kthread_main, t);
	if (!ret)
		return t;
	kfree(t);
	return (struct task_struct *)ERR_PTR(-ret);
}

static inline bool kthread_should_stop(void)
{
	return READ_ONCE(get_current()->should_stop);
}

/* What the thread's function returned. */
static inline int kthread_stop(struct task_struct *t)
{
	int result;

	WRITE_ONCE(t->should_stop, 1);
	pthread_join(t->thread, NULL);
	result = t->result;
	kfree(t);
	return result;
}

#endif
