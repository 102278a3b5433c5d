// SPDX-License-Identifier: GPL-2.0-only
/* Carriers: allocate, free, and have something done on the way back to user mode. */
#include "carrier.h"

#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "verdict.h"

static struct kmem_cache *carriers;

/**
 * secmap_carrier_alloc() - a carrier with a spare, neither in the table
 * @gfp: GFP_KERNEL, maybe with __GFP_NOFAIL
 *
 * Return: the carrier, or NULL.
 */
struct secmap_carrier *secmap_carrier_alloc(gfp_t gfp)
{
	struct secmap_carrier *carrier = kmem_cache_zalloc(carriers, gfp);

	if (!carrier)
		return NULL;
	carrier->spare = kmem_cache_zalloc(carriers, gfp);
	if (carrier->spare)
		return carrier;
	kmem_cache_free(carriers, carrier);
	return NULL;
}

/* For a carrier that was never in the table; may be NULL. */
void secmap_carrier_free(struct secmap_carrier *carrier)
{
	if (!carrier)
		return;
	if (carrier->spare)
		kmem_cache_free(carriers, carrier->spare);
	kfree(carrier->permit);
	kmem_cache_free(carriers, carrier);
}

static void free_rcu_work(struct rcu_head *rcu)
{
	struct secmap_carrier *carrier = container_of(rcu, struct secmap_carrier, rcu);

	put_task_struct(carrier->task);
	secmap_carrier_free(carrier);
}

/* Context: any. */
void secmap_carrier_put(struct secmap_carrier *carrier)
{
	if (refcount_dec_and_test(&carrier->refs))
		call_rcu(&carrier->rcu, free_rcu_work);
}

/**
 * secmap_carrier_refill() - see that there is a spare for the next child
 * @carrier: the current task's
 *
 * Context: in the carrier's task, in process context. Without memory there is none, and
 * the next call that creates a task is refused, and asks again.
 */
void secmap_carrier_refill(struct secmap_carrier *carrier)
{
	if (!carrier->spare && !(current->flags & PF_EXITING))
		carrier->spare = kmem_cache_zalloc(carriers, GFP_KERNEL);
}

static void late_work(struct callback_head *work)
{
	struct secmap_carrier *carrier = container_of(work, struct secmap_carrier, work);

	/*
	 * First, so that whoever asks for more meanwhile queues the work anew: it has left the
	 * list. Only this task's own probes do, which do not run inside this function, and its
	 * parent's, before it has run at all.
	 */
	clear_bit(SECMAP_LATE_QUEUED, &carrier->late);
	secmap_verdict_late(carrier);
	secmap_carrier_put(carrier);
	/* secmap_carrier_exit() waits until this function has returned. */
	module_put(THIS_MODULE);
}

/**
 * secmap_carrier_later() - have something done on a task's way back to user mode
 * @carrier: of the current task, or of a child that has not run yet
 * @what: SECMAP_LATE_*
 *
 * Context: under RCU, where @carrier was found; that it was found then means that its
 * stack, and with it the module, is still there.
 * Return: false if it will not be done: the task has been detached, or is about to end.
 */
bool secmap_carrier_later(struct secmap_carrier *carrier, unsigned int what)
{
	if (!refcount_inc_not_zero(&carrier->refs))
		return false;
	set_bit(what, &carrier->late);
	if (test_and_set_bit(SECMAP_LATE_QUEUED, &carrier->late)) {
		/* It is queued, and holds its reference: this one is not the last. */
		secmap_carrier_put(carrier);
		return true;
	}
	__module_get(THIS_MODULE);
	init_task_work(&carrier->work, late_work);
	if (task_work_add(carrier->task, &carrier->work, TWA_RESUME) == 0)
		return true;
	clear_bit(SECMAP_LATE_QUEUED, &carrier->late);
	clear_bit(what, &carrier->late);
	module_put(THIS_MODULE);
	secmap_carrier_put(carrier);
	return false;
}

int __init secmap_carrier_init(void)
{
	carriers = KMEM_CACHE(secmap_carrier, SLAB_ACCOUNT);
	return carriers ? 0 : -ENOMEM;
}

/*
 * None is in the table, for each has a stack, which holds the module. No work is queued, for
 * it holds the module too, but late_work() of the last one may have been preempted behind its
 * module_put(): synchronize_rcu_tasks() waits until every such task has gone on. Then nothing
 * calls call_rcu() any more, and rcu_barrier() waits for those that were called.
 */
void secmap_carrier_exit(void)
{
	synchronize_rcu_tasks();
	rcu_barrier();
	kmem_cache_destroy(carriers);
}
