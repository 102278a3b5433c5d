// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tracers FOLDER ROUNDS: processes without a filter, and children that they fork at any time,
 * make a call that no kernel knows, MARK, while tracers of sys_enter and sys_exit come and go: events of
 * the tracefs instance FOLDER, and a BPF program. Each must see every MARK between the return
 * of what began it and the beginning of what ends it. Meanwhile other children put a filter on
 * themselves: nothing that it denies succeeds, in them or in their children.
 *
 * The module must find after each round that nobody traces any more. Prints what there was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "mechanism.h"

#define WORKERS	  3
#define DENIED	  600 /* no call has this number, nor the next one */
#define MARK	  601
#define CALLS	  64
#define PERIOD_MS 10
#define PATIENCE  30 /* seconds */

struct shared {
	atomic_uint phase; /* odd: MARK is made */
	atomic_uint acks[WORKERS];
	atomic_long marks;
	atomic_long forks;
	atomic_long denied;
	atomic_long succeeded;
	atomic_bool stop;
};

static struct shared *shared;
static const char *folder;

static void need(int holds, const char *sentence)
{
	if (holds)
		return;
	fprintf(stderr, "tracers: %s: %s\n", sentence, strerror(errno));
	kill(0, SIGTERM);
	exit(1);
}

static void sleep_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static pid_t fork_worker(void (*work)(int), int index)
{
	pid_t pid = fork();

	need(pid >= 0, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work(index);
	_exit(0);
}

static void join(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid && !status, "a child failed");
}

static void make_marks(int count)
{
	for (int i = 0; i < count; i++)
		syscall(MARK);
	shared->marks += count;
}

/* All that it makes in an odd phase is over when it has seen the even one that follows. */
static void mark(int index)
{
	unsigned int turn = 0;

	while (!shared->stop) {
		unsigned int phase = shared->phase;

		if (!(phase & 1)) {
			shared->acks[index] = phase;
			sched_yield();
			continue;
		}
		make_marks(1);
		if (turn++ % CALLS)
			continue;
		join(fork_worker(make_marks, 3));
		shared->forks++;
	}
}

/* Waits for an odd phase, if it is forked before; its parent waits for it. */
static void mark_once(int index)
{
	unsigned int phase;

	while (!((phase = shared->phase) & 1)) {
		if (shared->stop)
			return;
		shared->acks[index] = phase;
		sched_yield();
	}
	make_marks(1);
}

/* One fork after the other, whatever tracers do. */
static void mark_in_children(int index)
{
	while (!shared->stop) {
		join(fork_worker(mark_once, index));
		shared->forks++;
	}
}

static void call_denied(int count)
{
	for (int i = 0; i < count; i++) {
		int denied = syscall(DENIED) < 0 && errno == EDOM;

		shared->denied += denied;
		shared->succeeded += !denied;
	}
}

static void filter_and_call(int unused)
{
	(void)unused;
	need(!mechanism_attach_number(DENIED, SECCOMP_RET_ERRNO | EDOM, 0), "attach");
	call_denied(CALLS);
	join(fork_worker(call_denied, CALLS));
	call_denied(CALLS);
}

static void attach(int index)
{
	while (!shared->stop)
		join(fork_worker(filter_and_call, index));
}

/* Have them mark for a while. Return: how many marks were made. */
static long period(void)
{
	long before = shared->marks;
	unsigned int phase;

	shared->phase++;
	sleep_ms(PERIOD_MS);
	phase = ++shared->phase;
	for (int i = 0; i < WORKERS; i++)
		while (shared->acks[i] != phase)
			sched_yield();
	return shared->marks - before;
}

/* An event of FOLDER; @point is "enter" or "exit". */
static void set_event(const char *point, const char *to)
{
	char path[256];
	int file;

	snprintf(path, sizeof(path), "%s/events/raw_syscalls/sys_%s/enable", folder, point);
	file = open(path, O_WRONLY);
	need(file >= 0 && write(file, to, 1) == 1, path);
	close(file);
}

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/*
 * A program on @point that counts in @map how often the second argument is MARK. On sys_enter that
 * is the number; on sys_exit what the call has returned, a pid for instance. Return: the link.
 */
static int trace_by_program(const char *point, int map)
{
	const struct bpf_insn insns[] = {
		{ BPF_LDX | BPF_DW | BPF_MEM, 2, 1, 8, 0 },
		{ BPF_JMP | BPF_JNE | BPF_K, 2, 0, 4, MARK },
		{ BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_VALUE, 0, map },
		{ 0, 0, 0, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 1 },
		{ BPF_STX | BPF_DW | BPF_ATOMIC, 1, 2, 0, BPF_ADD },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insn_cnt = MECHANISM_COUNT(insns),
		.insns = (uintptr_t)insns,
		.license = (uintptr_t) "LGPL",
	};
	int program = bpf(BPF_PROG_LOAD, &load), link;
	union bpf_attr open_it = { .raw_tracepoint = { (uintptr_t)point, program } };

	need(program >= 0, "load a program of BPF");
	link = bpf(BPF_RAW_TRACEPOINT_OPEN, &open_it);
	need(link >= 0, point);
	close(program);
	return link;
}

static int make_map(long **value)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
		.map_flags = BPF_F_MMAPABLE,
	};
	int map = bpf(BPF_MAP_CREATE, &attr);

	need(map >= 0, "make a map of BPF");
	*value = mmap(NULL, 4096, PROT_READ, MAP_SHARED, map, 0);
	need(*value != MAP_FAILED, "map a map of BPF");
	return map;
}

/* Nobody traces: the module must say so, soon, for a program of BPF goes later than its link. */
static void need_alone(void)
{
	struct secmap_info info = { .size = sizeof(info) };
	time_t limit = time(NULL) + PATIENCE;

	do {
		need(!ioctl(mechanism_device, SECMAP_IOC_INFO, &info), "INFO");
		if (info.out_selective == SECMAP_SELECTIVE_ON)
			return;
		sleep_ms(1);
	} while (time(NULL) < limit);
	errno = ETIMEDOUT;
	need(0, "the module does not find itself alone");
}

/* What each of FOLDER's ring buffers has taken: entries that are there, or were overwritten. */
static long events(void)
{
	long sum = 0, value;
	char path[256], line[128];

	for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/per_cpu/cpu%d/stats", folder, cpu);
		file = fopen(path, "r");
		need(!!file, path);
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "entries: %ld", &value) == 1 ||
			    sscanf(line, "overrun: %ld", &value) == 1)
				sum += value;
		fclose(file);
	}
	return sum;
}

int main(int argc, char **argv)
{
	long by_events = 0, by_program = 0, *counted, *returned;
	pid_t workers[WORKERS], attacher;
	int map, map_of_exit, link;

	need(argc == 3, "tracers FOLDER ROUNDS");
	folder = argv[1];
	setpgid(0, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	need(shared != MAP_FAILED, "mmap");
	need(!mechanism_choose("secmap"), SECMAP_DEVICE);
	map = make_map(&counted);
	map_of_exit = make_map(&returned); /* and is not looked at */
	for (int i = 0; i < WORKERS; i++)
		workers[i] = fork_worker(i ? mark : mark_in_children, i);
	attacher = fork_worker(attach, 0);
	for (int round = 0; round < atoi(argv[2]); round++) {
		need_alone();
		switch (round % 4) {
		case 0:
			set_event("enter", "1");
			by_events += period();
			set_event("enter", "0");
			break;
		case 1: /* the one that is looked at comes second, and stays behind */
			set_event("exit", "1");
			set_event("enter", "1");
			by_events += period();
			set_event("exit", "0");
			by_events += period();
			set_event("enter", "0");
			break;
		case 2:
			link = trace_by_program("sys_enter", map);
			by_program += period();
			close(link);
			break;
		case 3: /* one more comes and goes meanwhile */
			set_event("enter", "1");
			link = trace_by_program("sys_exit", map_of_exit);
			by_events += period();
			close(link);
			by_events += period();
			set_event("enter", "0");
			break;
		}
	}
	need_alone();
	shared->stop = true;
	for (int i = 0; i < WORKERS; i++)
		join(workers[i]);
	join(attacher);
	printf("made_for_events %ld\nseen_by_events %ld\nmade_for_program %ld\nseen_by_program %ld\n",
	       by_events, events(), by_program, *counted);
	printf("forks %ld\ndenied %ld\nsucceeded %ld\n", shared->forks, shared->denied,
	       shared->succeeded);
	return 0;
}
