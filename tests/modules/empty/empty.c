// SPDX-License-Identifier: GPL-2.0-only
/* For measurements: a sys_enter probe that does nothing, the floor of any such design. */
#include <linux/module.h>
#include <linux/tracepoint.h>

static struct tracepoint *point;

static void sys_enter(void *data, struct pt_regs *regs, long id)
{
}

static void find_point(struct tracepoint *found, void *data)
{
	if (!strcmp(found->name, "sys_enter"))
		point = found;
}

static int __init empty_init(void)
{
	for_each_kernel_tracepoint(find_point, NULL);
	return point ? tracepoint_probe_register(point, sys_enter, NULL) : -ENODEV;
}

static void __exit empty_exit(void)
{
	tracepoint_probe_unregister(point, sys_enter, NULL);
	tracepoint_synchronize_unregister();
}

module_init(empty_init);
module_exit(empty_exit);
MODULE_DESCRIPTION("A sys_enter probe that does nothing");
MODULE_AUTHOR("The secmap authors");
MODULE_LICENSE("GPL");
