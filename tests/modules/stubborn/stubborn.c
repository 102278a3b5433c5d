// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only. Makes this kernel look like one that runs a call although a probe has set its
 * number to -1: a skipped call comes back with another value than the probe gave it.
 */
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

/* As TRIAL_VALUE in module/hook.c. */
#define TRIAL_VALUE 0x5ec3a9b17f00d1eLL

static struct tracepoint *sys_exit;

static void probe(void *data, struct pt_regs *regs, long result)
{
	if (regs->ax == TRIAL_VALUE)
		regs->ax = 0;
}

static void find(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "sys_exit"))
		sys_exit = point;
}

static int __init stubborn_init(void)
{
	for_each_kernel_tracepoint(find, NULL);
	return sys_exit ? tracepoint_probe_register(sys_exit, probe, NULL) : -ENODEV;
}

static void __exit stubborn_exit(void)
{
	tracepoint_probe_unregister(sys_exit, probe, NULL);
	tracepoint_synchronize_unregister();
}

module_init(stubborn_init);
module_exit(stubborn_exit);
MODULE_DESCRIPTION("Test only: a kernel that runs skipped calls");
MODULE_LICENSE("GPL");
