// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only. Swallows the system calls that secmap has allowed to one task: none of them runs,
 * and each returns SINK_VALUE. So fork, exit or reboot can be called for real, with any
 * arguments, and what was decided is read from the return value. What is denied already
 * (number -1) is left as it is.
 *
 * A thread id written to /dev/secmap-sink arms it for that thread; 0, closing the device, or
 * a call of the thread with SINK_RELEASE as its sixth argument releases it. That call is
 * swallowed too.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/tracepoint.h>
#include <asm/syscall.h>

/* No errno, no descriptor and no address; the same in 32 bits. */
#define SINK_VALUE   0x51ca11ed
#define SINK_RELEASE 0x0ff51ac5

static struct tracepoint *sys_enter;

/* A reference is held, so that no other task has this address. */
static struct task_struct *armed;

static void release(struct task_struct *task)
{
	if (task && cmpxchg(&armed, task, NULL) == task)
		put_task_struct(task);
}

/*
 * Context: every call of every flagged task, preemption on or off. Releasing drops a reference
 * to the current task, which is not its last.
 */
static void swallow(void *data, struct pt_regs *regs, long id)
{
	unsigned long args[6];

	if (current != READ_ONCE(armed))
		return;
	syscall_get_arguments(current, regs, args);
	if ((u32)args[5] == SINK_RELEASE)
		release(current);
	if (syscall_get_nr(current, regs) == -1)
		return;
	regs->orig_ax = -1;
	regs->ax = SINK_VALUE;
}

static ssize_t sink_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	struct task_struct *task = NULL;
	int tid, err;

	err = kstrtoint_from_user(from, size, 10, &tid);
	if (err)
		return err;
	if (tid) {
		struct pid *pid = find_get_pid(tid);

		task = get_pid_task(pid, PIDTYPE_PID);
		put_pid(pid);
		if (!task)
			return -ESRCH;
	}
	task = xchg(&armed, task);
	if (task)
		put_task_struct(task);
	return size;
}

static int sink_release(struct inode *inode, struct file *file)
{
	release(READ_ONCE(armed));
	return 0;
}

static const struct file_operations sink_operations = {
	.owner = THIS_MODULE,
	.write = sink_write,
	.release = sink_release,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "secmap-sink",
	.fops = &sink_operations,
	.mode = 0600,
};

static void find(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "sys_enter"))
		sys_enter = point;
}

static int __init sink_init(void)
{
	int err;

	for_each_kernel_tracepoint(find, NULL);
	if (!sys_enter)
		return -ENODEV;
	/* Of equal priority, the later one runs later: secmap must be there already. */
	err = tracepoint_probe_register_prio(sys_enter, swallow, NULL, INT_MIN);
	if (err)
		return err;
	err = misc_register(&device);
	if (err) {
		tracepoint_probe_unregister(sys_enter, swallow, NULL);
		tracepoint_synchronize_unregister();
	}
	return err;
}

/* The device is closed, so nobody is armed. */
static void __exit sink_exit(void)
{
	misc_deregister(&device);
	tracepoint_probe_unregister(sys_enter, swallow, NULL);
	tracepoint_synchronize_unregister();
}

module_init(sink_init);
module_exit(sink_exit);
MODULE_DESCRIPTION("Test only: swallow what was allowed");
MODULE_AUTHOR("The secmap authors");
MODULE_LICENSE("GPL");
