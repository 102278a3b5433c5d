// SPDX-License-Identifier: GPL-2.0-only
/* Load and unload, in order. */
#include <linux/module.h>

#include "carrier.h"
#include "dev.h"
#include "hook.h"
#include "netlink.h"
#include "stack.h"
#include "task.h"

static int __init secmap_init(void)
{
	int err;

	err = secmap_stack_init();
	if (err)
		return err;
	err = secmap_carrier_init();
	if (err)
		goto exit_stack;
	secmap_task_init();
	err = secmap_netlink_init();
	if (err)
		goto exit_carrier;
	err = secmap_hook_init();
	if (err)
		goto exit_netlink;
	err = secmap_dev_init();
	if (err)
		goto exit_hook;
	return 0;

exit_hook:
	secmap_hook_exit();
exit_netlink:
	secmap_netlink_exit();
exit_carrier:
	secmap_carrier_exit();
exit_stack:
	secmap_stack_exit();
	return err;
}

/*
 * Refused while there is an open descriptor of ours, a filtered task, or work on its way:
 * each holds the module.
 */
static void __exit secmap_exit(void)
{
	secmap_dev_exit();
	secmap_hook_exit();
	secmap_netlink_exit();
	secmap_carrier_exit();
	secmap_stack_exit();
}

module_init(secmap_init);
module_exit(secmap_exit);
MODULE_DESCRIPTION("System-call filters as maps");
MODULE_AUTHOR("The secmap authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
