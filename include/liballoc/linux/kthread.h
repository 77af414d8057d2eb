/* linux/kthread.h - kernel threads, as threads of the program. */
#ifndef LIBALLOC_LINUX_KTHREAD_H
#define LIBALLOC_LINUX_KTHREAD_H

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>

static inline void liballoc_sem_wait(sem_t *sem)
{
	while (sem_wait(sem))
		;		/* a signal */
}

static inline void *liballoc_kthread_main(void *arg)
{
	struct task_struct *t = (struct task_struct *)arg;

	liballoc_current = t;
	pthread_setname_np(pthread_self(), t->comm);
	t->tgid = getpid();
	t->pid = gettid();
	sem_post(&t->born);
	liballoc_sem_wait(&t->gate);
	t->result = t->woken ? t->fn(t->data) : -EINTR;
	return NULL;
}

static inline __printf(3, 0) struct task_struct *
liballoc_kthread_create(int (*fn)(void *data), void *data, const char *name,
			va_list ap)
{
	struct task_struct *t =
		(struct task_struct *)kzalloc(sizeof(*t), GFP_KERNEL);
	int ret;

	if (!t)
		return (struct task_struct *)ERR_PTR(-ENOMEM);
	vsnprintf(t->comm, sizeof(t->comm), name, ap);
	t->fn = fn;
	t->data = data;
	sem_init(&t->born, 0, 0);
	sem_init(&t->gate, 0, 0);
	ret = pthread_create(&t->thread, NULL, liballoc_kthread_main, t);
	if (!ret) {
		liballoc_sem_wait(&t->born);
		return t;
	}
	sem_destroy(&t->born);
	sem_destroy(&t->gate);
	kfree(t);
	return (struct task_struct *)ERR_PTR(-ret);
}

/*
 * Begins at wake_up_process(), and has its pid before; freed by kthread_stop(),
 * which has to come.  An ERR_PTR() if there can be no thread.
 */
static inline __printf(3, 4) struct task_struct *
kthread_create(int (*fn)(void *data), void *data, const char *name, ...)
{
	struct task_struct *t;
	va_list ap;

	va_start(ap, name);
	t = liballoc_kthread_create(fn, data, name, ap);
	va_end(ap);
	return t;
}

/* The same, and begins at once. */
static inline __printf(3, 4) struct task_struct *
kthread_run(int (*fn)(void *data), void *data, const char *name, ...)
{
	struct task_struct *t;
	va_list ap;

	va_start(ap, name);
	t = liballoc_kthread_create(fn, data, name, ap);
	va_end(ap);
	if (!IS_ERR(t))
		wake_up_process(t);
	return t;
}

static inline bool kthread_should_stop(void)
{
	return READ_ONCE(liballoc_task()->should_stop);
}

/* What the thread's function returned; -EINTR if it was never woken. */
static inline int kthread_stop(struct task_struct *t)
{
	int result;

	WRITE_ONCE(t->should_stop, 1);
	if (!READ_ONCE(t->woken))
		sem_post(&t->gate);
	pthread_join(t->thread, NULL);
	sem_destroy(&t->born);
	sem_destroy(&t->gate);
	result = t->result;
	kfree(t);
	return result;
}

#endif
