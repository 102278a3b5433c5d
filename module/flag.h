/* SPDX-License-Identifier: GPL-2.0-only */
/* The flag that brings a task's calls to sys_enter: who has it, and who goes without. */
#ifndef _SECMAP_FLAG_H
#define _SECMAP_FLAG_H

#include <linux/init.h>
#include <linux/types.h>

struct task_struct;
struct tracepoint;

void secmap_flag_fix(struct task_struct *task, bool filtered);
bool secmap_flag_is_stale(struct task_struct *newborn);
u32 secmap_flag_selective(void);

void __init secmap_flag_init(struct tracepoint *enter, struct tracepoint *exit, void *probe);
void __init secmap_flag_start(void);
void secmap_flag_exit(void);

#endif
