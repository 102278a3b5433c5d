// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners: a filtered task asks, its supervisor answers. The records and the errnos are
 * those of seccomp_unotify(2), so that a supervisor serves either.
 *
 * A question lives on the stack of the task that asks, in its task work, and is in the
 * listener's list from beginning to end. One mutex guards a listener, its questions and
 * what hangs on them.
 */
#include "notify.h"

#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "limits.h"
#include "user.h"
#include "compat/compat.h"

/* Its first number, with the wrong direction (upstream 47e33c05f9f0); seccomp(2) takes both. */
#define ID_VALID_WRONG_DIRECTION SECCOMP_IOR(2, __u64)

/**
 * struct secmap_listener - the end that answers
 * @refs: the file, each stack, each task that is about to ask
 * @id: see secmap_listener_id()
 * @stacks: the stacks that hold it
 * @wait_killable: a received question is interrupted by a fatal signal only
 * @wait: for questions, for answers to be due, and for the last stack to go
 * @fresh: how many questions have been put that RECV has not been woken for
 * @lock: guards the questions and all that follows
 * @closed: the file is gone: nobody answers any more. Also read without the lock
 * @next_id: of the next question
 * @questions: oldest first
 */
struct secmap_listener {
	refcount_t refs;
	u64 id;
	atomic_t stacks;
	bool wait_killable;
	wait_queue_head_t wait;
	atomic_t fresh;
	struct mutex lock; /* see above */
	bool closed;
	u64 next_id;
	struct list_head questions;
};

enum question_state { ASKED, RECEIVED, ANSWERED };

/**
 * struct question - a call that waits
 * @list: in the listener's questions
 * @task: who makes it; waits until the question is off the list
 * @data: the call
 * @id: what the supervisor calls it
 * @state: how far it has come
 * @response: once it is ANSWERED
 * @files: descriptors that the supervisor wants the task to have
 * @ready: there is an answer, or a file, or the way of waiting has changed
 */
struct question {
	struct list_head list;
	struct task_struct *task;
	const struct seccomp_data *data;
	u64 id;
	enum question_state state;
	struct seccomp_notif_resp response;
	struct list_head files;
	struct completion ready;
};

/**
 * struct gift - a file on its way to the task that asks; on the stack of the ioctl
 * @list: in the question's files, or empty once @result is there
 * @file: the file
 * @flags: O_CLOEXEC or 0
 * @answers: its descriptor in the task is the answer as well
 * @result: the descriptor, or a negative errno
 * @done: @result is there
 */
struct gift {
	struct list_head list;
	struct file *file;
	u32 flags;
	bool answers;
	int result;
	struct completion done;
};

static atomic64_t ids;

/**
 * secmap_listener_create() - a listener that no stack holds yet
 * @wait_killable: see struct secmap_listener
 *
 * Return: the listener with one reference, or -ENOMEM.
 */
struct secmap_listener *secmap_listener_create(bool wait_killable)
{
	struct secmap_listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL_ACCOUNT);

	if (!listener)
		return ERR_PTR(-ENOMEM);
	refcount_set(&listener->refs, 1);
	listener->id = atomic64_inc_return(&ids);
	listener->wait_killable = wait_killable;
	init_waitqueue_head(&listener->wait);
	mutex_init(&listener->lock);
	listener->next_id = get_random_u64();
	INIT_LIST_HEAD(&listener->questions);
	return listener;
}

void secmap_listener_get(struct secmap_listener *listener)
{
	refcount_inc(&listener->refs);
}

/* Context: any, where a stack still holds it; else may sleep. */
void secmap_listener_put(struct secmap_listener *listener)
{
	if (refcount_dec_and_test(&listener->refs))
		kfree(listener);
}

void secmap_listener_join(struct secmap_listener *listener)
{
	secmap_listener_get(listener);
	atomic_inc(&listener->stacks);
}

/* Context: may sleep. A grace period after the last task's end, for probes could still ask. */
void secmap_listener_leave(struct secmap_listener *listener)
{
	/* Under the lock, so that whoever sees EPOLLHUP knows that all have been woken. */
	mutex_lock(&listener->lock);
	if (atomic_dec_and_test(&listener->stacks))
		wake_up_poll(&listener->wait, EPOLLHUP);
	mutex_unlock(&listener->lock);
	secmap_listener_put(listener);
}

u64 secmap_listener_id(const struct secmap_listener *listener)
{
	return listener->id;
}

bool secmap_listener_answers(const struct secmap_listener *listener)
{
	return !READ_ONCE(listener->closed);
}

/* Context: under the lock. */
static bool waits_killably(const struct secmap_listener *listener, const struct question *question)
{
	return listener->wait_killable && question->state != ASKED;
}

/* Take one file, as the task that asks. Context: under the lock. */
static void take_gift(struct question *question, struct gift *gift)
{
	list_del_init(&gift->list);
	gift->result = compat_receive_fd(gift->file, NULL, gift->flags);
	if (gift->answers && gift->result >= 0)
		question->response = (struct seccomp_notif_resp){ .val = gift->result };
	else if (gift->answers)
		question->state = RECEIVED;
	/* From here on it may be gone. */
	complete(&gift->done);
}

/* Wait for the answer. Context: under the lock, which is dropped meanwhile. 0 or -ERESTARTSYS. */
static int wait_for_answer(struct secmap_listener *listener, struct question *question)
{
	struct gift *gift;
	bool killable;
	int err;

	do {
		killable = waits_killably(listener, question);
		mutex_unlock(&listener->lock);
		err = killable ? wait_for_completion_killable(&question->ready) :
				 wait_for_completion_interruptible(&question->ready);
		mutex_lock(&listener->lock);
		/* Received in this very moment: what interrupted us does not any more. */
		if (err && (killable || !waits_killably(listener, question)))
			return err;
		gift = list_first_entry_or_null(&question->files, struct gift, list);
		if (gift)
			take_gift(question, gift);
	} while (question->state != ANSWERED);
	return 0;
}

/**
 * secmap_notify_ask() - have the supervisor decide about a call of the current task
 * @listener: held by the caller
 * @data: the call
 * @answer: what is to become of it
 *
 * Context: task work; sleeps until there is an answer, the listener is closed (the call
 * returns -ENOSYS), or a signal comes (-ERESTARTSYS: the kernel restarts it or not, as the
 * handler wants).
 */
void secmap_notify_ask(struct secmap_listener *listener, const struct seccomp_data *data,
		       struct secmap_answer *answer)
{
	struct question question = { .task = current, .data = data };
	const struct seccomp_notif_resp *response = &question.response;
	struct gift *gift, *next;
	int err;

	*answer = (struct secmap_answer){ .value = -ENOSYS };
	init_completion(&question.ready);
	INIT_LIST_HEAD(&question.files);

	mutex_lock(&listener->lock);
	if (listener->closed)
		goto unlock;
	question.id = listener->next_id++;
	list_add_tail(&question.list, &listener->questions);
	atomic_inc(&listener->fresh);
	wake_up_poll(&listener->wait, EPOLLIN | EPOLLRDNORM);

	err = wait_for_answer(listener, &question);

	list_for_each_entry_safe(gift, next, &question.files, list) {
		list_del_init(&gift->list);
		gift->result = -ESRCH;
		complete(&gift->done);
	}
	list_del(&question.list);
	if (err)
		answer->value = err;
	else if (response->flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		answer->runs = true;
	else
		answer->value = response->error ?: response->val;
unlock:
	mutex_unlock(&listener->lock);
}

/* Context: under the lock. */
static struct question *find_question(struct secmap_listener *listener, u64 id)
{
	struct question *question;

	list_for_each_entry(question, &listener->questions, list)
		if (question->id == id)
			return question;
	return NULL;
}

/* One that can be answered, or -ENOENT, -EINPROGRESS. Context: under the lock. */
static struct question *find_received(struct secmap_listener *listener, u64 id)
{
	struct question *question = find_question(listener, id);

	if (!question)
		return ERR_PTR(-ENOENT);
	return question->state == RECEIVED ? question : ERR_PTR(-EINPROGRESS);
}

static void answer_question(struct question *question, const struct seccomp_notif_resp *response)
{
	question->response = *response;
	question->state = ANSWERED;
	complete(&question->ready);
}

/* User space did not get it: as if nobody had received it. */
static void unreceive(struct secmap_listener *listener, u64 id)
{
	struct question *question;

	mutex_lock(&listener->lock);
	question = find_question(listener, id);
	if (question && question->state == RECEIVED) {
		/* It may have to wait in the other way again. */
		if (waits_killably(listener, question))
			complete(&question->ready);
		question->state = ASKED;
		atomic_inc(&listener->fresh);
		wake_up_poll(&listener->wait, EPOLLIN | EPOLLRDNORM);
	}
	mutex_unlock(&listener->lock);
}

/* -ENOENT: the task that asked has gone on meanwhile, or nobody is left who could ask. */
static long listener_recv(struct secmap_listener *listener, u64 argument)
{
	struct seccomp_notif notif = {};
	struct question *question;
	long err;

	/* As seccomp(2): so that the record can grow. */
	err = secmap_user_zeroed(argument, sizeof(notif));
	if (err)
		return err;
	err = wait_event_interruptible(listener->wait,
				       atomic_dec_if_positive(&listener->fresh) >= 0 ||
					       !atomic_read(&listener->stacks));
	if (err)
		return err;
	err = -ENOENT;
	mutex_lock(&listener->lock);
	list_for_each_entry(question, &listener->questions, list) {
		if (question->state != ASKED)
			continue;
		notif.id = question->id;
		notif.pid = task_pid_vnr(question->task);
		notif.data = *question->data;
		question->state = RECEIVED;
		wake_up_poll(&listener->wait, EPOLLOUT | EPOLLWRNORM);
		err = 0;
		break;
	}
	mutex_unlock(&listener->lock);
	if (err)
		return err;
	err = secmap_user_write(argument, &notif, sizeof(notif));
	if (err)
		unreceive(listener, notif.id);
	return err;
}

static long listener_send(struct secmap_listener *listener, u64 argument)
{
	struct seccomp_notif_resp response;
	struct question *question;
	long err;

	err = secmap_user_read(&response, argument, sizeof(response));
	if (err)
		return err;
	if (response.flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return -EINVAL;
	if (response.flags && (response.error || response.val))
		return -EINVAL;
	err = mutex_lock_interruptible(&listener->lock);
	if (err)
		return err;
	question = find_received(listener, response.id);
	if (IS_ERR(question))
		err = PTR_ERR(question);
	else
		answer_question(question, &response);
	mutex_unlock(&listener->lock);
	return err;
}

static long listener_id_valid(struct secmap_listener *listener, u64 argument)
{
	long err;
	u64 id;

	err = secmap_user_read(&id, argument, sizeof(id));
	if (err)
		return err;
	err = mutex_lock_interruptible(&listener->lock);
	if (err)
		return err;
	if (IS_ERR(find_received(listener, id)))
		err = -ENOENT;
	mutex_unlock(&listener->lock);
	return err;
}

/* Put the file where the task that asks finds it. Context: under the lock. */
static int offer_gift(struct secmap_listener *listener, u64 id, struct gift *gift)
{
	struct question *question = find_received(listener, id);

	if (IS_ERR(question))
		return PTR_ERR(question);
	/* The last one is the answer: nothing may be in front of it. */
	if (gift->answers && !list_empty(&question->files))
		return -EBUSY;
	if (gift->answers)
		question->state = ANSWERED;
	list_add(&gift->list, &question->files);
	complete(&question->ready);
	return 0;
}

/* The descriptor that the task got, or a negative errno. */
static long give(struct secmap_listener *listener, u64 id, struct gift *gift)
{
	struct question *question;
	long err;

	err = mutex_lock_interruptible(&listener->lock);
	if (err)
		return err;
	err = offer_gift(listener, id, gift);
	mutex_unlock(&listener->lock);
	if (err)
		return err;
	err = wait_for_completion_interruptible(&gift->done);
	if (!err)
		return gift->result;
	mutex_lock(&listener->lock);
	if (list_empty(&gift->list)) {
		/* Taken all the same. */
		err = gift->result;
	} else {
		list_del(&gift->list);
		question = find_question(listener, id);
		if (gift->answers && question)
			question->state = RECEIVED;
	}
	mutex_unlock(&listener->lock);
	return err;
}

static long listener_addfd(struct secmap_listener *listener, u64 argument, size_t size)
{
	struct seccomp_notif_addfd addfd;
	struct gift gift = {};
	long err;

	if (size < offsetofend(struct seccomp_notif_addfd, newfd_flags) || size >= PAGE_SIZE)
		return -EINVAL;
	err = secmap_user_record(&addfd, sizeof(addfd), argument, size);
	if (err)
		return err;
	if (addfd.newfd_flags & ~O_CLOEXEC)
		return -EINVAL;
	if (addfd.flags & ~(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND))
		return -EINVAL;
	if (addfd.newfd && !(addfd.flags & SECCOMP_ADDFD_FLAG_SETFD))
		return -EINVAL;
	/* receive_fd_replace() is not exported. */
	if (addfd.flags & SECCOMP_ADDFD_FLAG_SETFD)
		return -EOPNOTSUPP;
	gift.file = fget(addfd.srcfd);
	if (!gift.file)
		return -EBADF;
	gift.flags = addfd.newfd_flags;
	gift.answers = addfd.flags & SECCOMP_ADDFD_FLAG_SEND;
	INIT_LIST_HEAD(&gift.list);
	init_completion(&gift.done);
	err = give(listener, addfd.id, &gift);
	fput(gift.file);
	return err;
}

static long listener_ioctl(struct file *file, unsigned int nr, unsigned long argument)
{
	/* The size of this one is part of its number, and may grow. */
	const unsigned int addfd = SECCOMP_IOCTL_NOTIF_ADDFD & ~(IOC_INOUT | IOCSIZE_MASK);
	struct secmap_listener *listener = file->private_data;

	switch (nr) {
	case SECCOMP_IOCTL_NOTIF_RECV:
		return listener_recv(listener, argument);
	case SECCOMP_IOCTL_NOTIF_SEND:
		return listener_send(listener, argument);
	case ID_VALID_WRONG_DIRECTION:
	case SECCOMP_IOCTL_NOTIF_ID_VALID:
		return listener_id_valid(listener, argument);
	}
	if ((nr & ~(IOC_INOUT | IOCSIZE_MASK)) == addfd)
		return listener_addfd(listener, argument, _IOC_SIZE(nr));
	return -EINVAL;
}

static __poll_t listener_poll(struct file *file, struct poll_table_struct *table)
{
	struct secmap_listener *listener = file->private_data;
	struct question *question;
	__poll_t events = 0;

	poll_wait(file, &listener->wait, table);
	if (mutex_lock_interruptible(&listener->lock))
		return EPOLLERR;
	list_for_each_entry(question, &listener->questions, list) {
		if (question->state == ASKED)
			events |= EPOLLIN | EPOLLRDNORM;
		if (question->state == RECEIVED)
			events |= EPOLLOUT | EPOLLWRNORM;
	}
	if (!atomic_read(&listener->stacks))
		events |= EPOLLHUP;
	mutex_unlock(&listener->lock);
	return events;
}

/* Nobody will answer: whoever waits gets -ENOSYS, and whoever asks from now on. */
static int listener_release(struct inode *inode, struct file *file)
{
	static const struct seccomp_notif_resp nobody = { .error = -ENOSYS };
	struct secmap_listener *listener = file->private_data;
	struct question *question;

	mutex_lock(&listener->lock);
	WRITE_ONCE(listener->closed, true);
	list_for_each_entry(question, &listener->questions, list)
		if (question->state != ANSWERED)
			answer_question(question, &nobody);
	mutex_unlock(&listener->lock);
	secmap_listener_put(listener);
	return 0;
}

static const struct file_operations listener_fops = {
	.owner = THIS_MODULE,
	.release = listener_release,
	.poll = listener_poll,
	.unlocked_ioctl = listener_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/**
 * secmap_listener_file() - a file for the supervisor
 * @listener: a reference is taken
 *
 * Return: the file, not yet installed, or an ERR_PTR().
 */
struct file *secmap_listener_file(struct secmap_listener *listener)
{
	struct file *file;

	file = anon_inode_getfile("[secmap-listener]", &listener_fops, listener, O_RDWR);
	if (!IS_ERR(file))
		secmap_listener_get(listener);
	return file;
}
