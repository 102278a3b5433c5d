// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only. Makes this kernel one from before fb13b11d5387: what runs is the number that
 * the call came with, whatever a probe has made of it. Load it after secmap: of two probes
 * with the lowest priority the later one comes last.
 */
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

static struct tracepoint *sys_enter;

static void probe(void *data, struct pt_regs *regs, long id)
{
	if ((int)regs->orig_ax == -1)
		regs->orig_ax = id;
}

static void find(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "sys_enter"))
		sys_enter = point;
}

static int __init oldkernel_init(void)
{
	for_each_kernel_tracepoint(find, NULL);
	return sys_enter ? tracepoint_probe_register_prio(sys_enter, probe, NULL, INT_MIN) :
			   -ENODEV;
}

static void __exit oldkernel_exit(void)
{
	tracepoint_probe_unregister(sys_enter, probe, NULL);
	tracepoint_synchronize_unregister();
}

module_init(oldkernel_init);
module_exit(oldkernel_exit);
MODULE_DESCRIPTION("Test only: a kernel that runs skipped calls");
MODULE_LICENSE("GPL");
