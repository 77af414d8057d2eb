/* linux/sched.h - the thread that runs, and letting others run. */
#ifndef LIBALLOC_LINUX_SCHED_H
#define LIBALLOC_LINUX_SCHED_H

#if __has_include_next(<linux/sched.h>)
#include_next <linux/sched.h>
#endif
#include <pthread.h>
#include <semaphore.h>

#include <linux/compiler.h>
#include <linux/atomic.h>
#include <linux/types.h>

#define TASK_COMM_LEN	16

/* What a program knows of a thread of its own. */
struct task_struct {
	pid_t pid;		/* of the thread */
	pid_t tgid;		/* of the process */
	char comm[TASK_COMM_LEN];
	/* of kthread.h */
	pthread_t thread;
	int (*fn)(void *data);
	void *data;
	sem_t born;		/* where who creates it waits for its pid */
	sem_t gate;		/* where it waits to be woken first */
	int woken;		/* atomic */
	int should_stop;
	int result;
};

extern int sched_yield(void);
extern pid_t getpid(void);
extern pid_t gettid(void);
extern int pthread_getname_np(pthread_t thread, char *name, size_t size);
extern int pthread_setname_np(pthread_t thread, const char *name);

/*
 * One of each for all files that are linked: a thread is the same task in all
 * of them.  The second is that of a thread which kthread_create() did not make.
 */
__weak __thread struct task_struct *liballoc_current;
__weak __thread struct task_struct liballoc_self;

static inline struct task_struct *liballoc_task(void)
{
	return liballoc_current ? liballoc_current : &liballoc_self;
}

/* In the child of a fork, or of a vfork, it is another one. */
static inline struct task_struct *get_current(void)
{
	struct task_struct *t = liballoc_task();
	pid_t tgid = getpid();

	if (t->tgid != tgid) {
		t->pid = gettid();
		t->tgid = tgid;
		pthread_getname_np(pthread_self(), t->comm, sizeof(t->comm));
	}
	return t;
}

#define current		get_current()

/*
 * Lets a thread of kthread_create() begin; 1 if it has not yet.  Later there is
 * nothing to wake: schedule() does not sleep.
 */
static inline int wake_up_process(struct task_struct *t)
{
	if (!t->fn || xchg(&t->woken, 1))
		return 0;
	sem_post(&t->gate);
	return 1;
}

static inline void schedule(void)
{
	sched_yield();
}

static inline int cond_resched(void)
{
	return sched_yield();
}

#define preempt_disable()	do { } while (0)
#define preempt_enable()	do { } while (0)

#endif
