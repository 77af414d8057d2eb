// Which task runs: in the process, in a thread of its own, in the child of a
// fork, and in another file (second/tasks.c).
#include <linux/completion.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#include <sys/wait.h>
#include <unistd.h>

struct task_struct *current_of_second_file(void);

static bool is_right(void)
{
	return current->pid == gettid() && current->tgid == getpid() &&
	       current == current_of_second_file();
}

/* 0: in the child, current is the child. */
static int fork_and_look(void)
{
	struct task_struct *before = current;
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(!is_right() || current != before);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static pid_t task_pid;

static int task(void *data)
{
	int *forked = data;

	task_pid = gettid();
	*forked = is_right() ? fork_and_look() : -1;
	while (!kthread_should_stop())
		schedule();
	return is_right() ? 0 : -1;
}

static int __init tasks_init(void)
{
	struct task_struct *t;
	int forked = -1;
	pid_t pid;

	pr_info("the process is %s\n", is_right() ? "itself" : "another");
	pr_info("its child ends with %d\n", fork_and_look());
	pr_info("afterwards it is %s\n", is_right() ? "itself" : "another");
	t = kthread_create(task, &forked, "task/%d", 7);
	if (IS_ERR(t))
		return PTR_ERR(t);
	pid = t->pid;
	wake_up_process(t);
	while (READ_ONCE(forked) == -1)
		schedule();
	pr_info("its pid is %s\n", pid == task_pid && pid != current->pid &&
		t->tgid == current->tgid ? "known before it runs" : "not known");
	pr_info("the thread %s ", t->comm);
	pr_cont("ends with %d, its child with %d\n", kthread_stop(t), forked);
	return 0;
}

static void __exit tasks_exit(void)
{
}

module_init(tasks_init);
module_exit(tasks_exit);
MODULE_LICENSE("MIT");
