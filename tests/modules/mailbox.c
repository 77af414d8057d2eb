// Threads that post letters without a lock, and one that files them.
#include <linux/completion.h>
#include <linux/hashtable.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include <sys/syscall.h>
#include <unistd.h>

#define SENDERS		4
#define LETTERS		1000	/* each */

#define MUST(cond)							\
	do {								\
		if (!(cond)) {						\
			pr_err("line %d: not %s\n", __LINE__, #cond);	\
			return -EINVAL;					\
		}							\
	} while (0)

struct letter {
	struct llist_node posted;
	struct hlist_node filed;
	int nr;
	char *text;
};

static LLIST_HEAD(mailbox);
static DEFINE_HASHTABLE(files, 6);
static DECLARE_COMPLETION(one_is_done);
static struct completion may_begin;
static DEFINE_RWLOCK(rules);
static int nr_rules;
static bool begun[SENDERS];

#ifdef __GLIBC__	/* which can wait by another clock */
/* A wall clock that is set back by an hour as soon as somebody has read it. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int ret = syscall(SYS_clock_gettime, clock, ts);

	if (clock == CLOCK_REALTIME)
		ts->tv_sec += 3600;
	return ret;
}

int timespec_get(struct timespec *ts, int base)
{
	clock_gettime(CLOCK_REALTIME, ts);
	return base;
}
#endif

static int sender(void *data)
{
	int *first = data, i, seen;

	begun[*first / LETTERS] = true;
	wait_for_completion(&may_begin);
	for (i = *first; i < *first + LETTERS; i++) {
		struct letter *l = kzalloc(sizeof(*l), GFP_KERNEL);

		if (!l)
			return -ENOMEM;
		l->nr = i;
		l->text = kasprintf(GFP_KERNEL, "letter %d of %s", i,
				    current->comm);
		llist_add(&l->posted, &mailbox);
		read_lock(&rules);
		read_lock(&rules);
		seen = nr_rules;
		read_unlock(&rules);
		if (seen != nr_rules)
			return -EINVAL;
		read_unlock(&rules);
	}
	complete(&one_is_done);
	return 0;
}

static int file_all(void)
{
	struct llist_node *batch = llist_reverse_order(llist_del_all(&mailbox));
	struct letter *l, *next;
	int n = 0;

	llist_for_each_entry_safe(l, next, batch, posted) {
		hash_add(files, &l->filed, l->nr);
		n++;
	}
	return n;
}

static struct letter *find(int nr)
{
	struct letter *l;

	hash_for_each_possible(files, l, filed, nr)
		if (l->nr == nr)
			return l;
	return NULL;
}

static int correspond(void)
{
	static int first[SENDERS];
	struct task_struct *threads[SENDERS + 1];
	int i, n = 0, done = 0;

	init_completion(&may_begin);
	for (i = 0; i < SENDERS; i++) {
		first[i] = i * LETTERS;
		threads[i] = kthread_create(sender, &first[i], "sender/%d", i);
		MUST(!IS_ERR(threads[i]));
	}
	threads[SENDERS] = kthread_create(sender, &first[0], "never");
	MUST(!IS_ERR(threads[SENDERS]));

	/* None has begun: what they wait for is not may_begin. */
	complete_all(&may_begin);
	MUST(!wait_for_completion_timeout(&one_is_done, HZ / 50));
	for (i = 0; i < SENDERS; i++)
		MUST(!begun[i]);
	MUST(llist_empty(&mailbox) && !completion_done(&one_is_done));
	MUST(kthread_stop(threads[SENDERS]) == -EINTR);

	for (i = 0; i < SENDERS; i++) {
		MUST(wake_up_process(threads[i]) == 1);
		MUST(wake_up_process(threads[i]) == 0);
	}
	while (done < SENDERS) {
		write_lock(&rules);
		nr_rules++;
		write_unlock(&rules);
		n += file_all();
		done += wait_for_completion_timeout(&one_is_done, 1) > 0;
	}
	n += file_all();
	for (i = 0; i < SENDERS; i++)
		MUST(kthread_stop(threads[i]) == 0);
	MUST(n == SENDERS * LETTERS && llist_empty(&mailbox));
	MUST(!try_wait_for_completion(&one_is_done));
	MUST(write_trylock(&rules));
	write_unlock(&rules);
	pr_info("%d letters of %d senders\n", n, SENDERS);
	return 0;
}

static int read_and_burn(void)
{
	struct hlist_node *next;
	struct letter *l;
	char *text;
	int i, bucket, longest = 0, n = 0;

	for (i = 0; i < SENDERS * LETTERS; i++) {
		l = find(i);
		MUST(l && hash_hashed(&l->filed));
		text = kasprintf(GFP_KERNEL, "letter %d of sender/%d", i,
				 i / LETTERS);
		MUST(text && !strcmp(text, l->text));
		kfree(text);
	}
	MUST(!find(-1) && !find(SENDERS * LETTERS) && !hash_empty(files));

	/* Numbers in a row are spread: no bucket has twice its share. */
	for (bucket = 0; (size_t)bucket < HASH_SIZE(files); bucket++) {
		n = 0;
		hlist_for_each_entry(l, &files[bucket], filed)
			n++;
		longest = max(longest, n);
	}
	MUST(longest < 2 * SENDERS * LETTERS / 64);

	n = 0;
	hash_for_each(files, bucket, l, filed)
		n++;
	MUST(n == SENDERS * LETTERS);
	hash_for_each_safe(files, bucket, next, l, filed) {
		hash_del(&l->filed);
		MUST(!hash_hashed(&l->filed));
		kfree(l->text);
		kfree(l);
		n--;
	}
	MUST(n == 0 && hash_empty(files));
	return 0;
}

static int stack_of_two(void)
{
	struct llist_node a, b, c, *node;
	LLIST_HEAD(stack);
	int n = 0;

	MUST(llist_add(&a, &stack) && !llist_add(&b, &stack));
	c.next = NULL;
	MUST(llist_del_first(&stack) == &b && llist_del_first(&stack) == &a);
	MUST(!llist_del_first(&stack) && !llist_del_all(&stack));
	b.next = &c;
	MUST(llist_add_batch(&b, &c, &stack));
	llist_for_each(node, llist_del_all(&stack))
		n++;
	MUST(n == 2);
	return 0;
}

/* Of a size that the compiler does not know. */
static size_t hide(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static int areas(void)
{
	int *numbers = vcalloc(100000, sizeof(*numbers));
	char *bytes = __vmalloc(50000, GFP_KERNEL_ACCOUNT | __GFP_ZERO |
				       __GFP_RETRY_MAYFAIL);

	MUST(numbers && !memchr_inv(numbers, 0, 400000));
	MUST(bytes && !memchr_inv(bytes, 0, 50000));
	MUST(is_vmalloc_addr(numbers) && is_vmalloc_addr(bytes));
	vfree(numbers);
	vfree(bytes);
	numbers = vmalloc_array(1000, 8);
	MUST(numbers && is_vmalloc_addr(numbers));
	vfree(numbers);
	MUST(!vmalloc_array(hide(~0ul / 8 + 2), 8));
	MUST(!vcalloc(hide(1ul << 33), 1ul << 31));
	return 0;
}

static int __init mailbox_init(void)
{
	int ret = correspond();

	if (!ret)
		ret = read_and_burn();
	if (!ret)
		ret = stack_of_two();
	return ret ? ret : areas();
}

static void __exit mailbox_exit(void)
{
	pr_info("all as it should be\n");
}

module_init(mailbox_init);
module_exit(mailbox_exit);
MODULE_LICENSE("MIT");
