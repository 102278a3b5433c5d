// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The first process of a guest.
 *
 * It mounts the host's file system read-only under an overlay, makes the usual
 * file systems, loads the module under test, runs one command in the host's
 * current directory and reports, line by line, over the virtio port "status":
 *
 *	ready			the command is about to start
 *	exit N | signal N	how the command ended
 *	load TEXT		the module would not load
 *	unload TEXT		the module would not unload
 *	leak			kmemleak found something; it is in the kernel log
 *	error TEXT		anything else that went wrong
 *	end OUT ERR		nothing follows, the kernel log is complete; so many bytes went
 *				to the ports "stdout" and "stderr". Writing to a port only
 *				queues: the host ends the guest when it has them all.
 *
 * What to do comes in small files under /job of the initramfs; lists are
 * separated by zero bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "debug.h"
#include "files.h"
#include "report.h"
#include "system.h"

/* A list of /job as a vector that ends with NULL. */
static char **job_list(const char *path)
{
	size_t size, count = 0;
	char *data = slurp(path, &size);
	char **list;

	if (!data)
		fail(path);
	for (size_t i = 0; i < size; i++)
		count += !data[i];
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		fail(path);
	for (size_t i = 0; i < count; i++) {
		list[i] = data;
		data += strlen(data) + 1;
	}
	return list;
}

static void load_basic_modules(void)
{
	for (char **name = job_list("/job/basic"); *name; name++) {
		int fd = open(*name, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			fail(*name);
		close(fd);
	}
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && !syscall(SYS_finit_module, fd, "", 0)) {
		close(fd);
		return;
	}
	report("load %s", strerror(errno));
	end();
}

/* Tasks that were just killed may still be on their way out. */
static void unload_module(const char *name)
{
	char loaded[PATH_MAX];

	snprintf(loaded, sizeof(loaded), "/sys/module/%s/initstate", name);
	for (int tries = 0; tries < 500; tries++) {
		if (access(loaded, F_OK) || !syscall(SYS_delete_module, name, O_NONBLOCK))
			return;
		if (errno != EAGAIN && errno != EBUSY && errno != EWOULDBLOCK)
			break;
		sleep_ms(20);
	}
	report("unload %s", strerror(errno));
}

int main(void)
{
	char **argv, **env, **visible, **setting;
	char *fragment;
	int status;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	must_mount("proc", "/proc", 0, NULL);
	must_mount("sysfs", "/sys", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	open_log();
	load_basic_modules();
	open_status();

	argv = job_list("/job/argv");
	env = job_list("/job/env");
	visible = job_list("/job/visible");
	/* current directory, results, /lib/modules/RELEASE, module to load or "" */
	setting = job_list("/job/setting");
	fragment = slurp("/job/fragment", NULL);

	enter_root();
	make_system(visible, setting[1], setting[2]);
	mark("start");
	if (fragment)
		check_debug_kernel(fragment);
	if (*setting[3])
		load_module(setting[3]);

	/* execvp() looks here for the program. */
	for (char **entry = env; *entry; entry++)
		putenv(*entry);
	status = run_command(argv, env, setting[0]);
	if (WIFSIGNALED(status))
		report("signal %d", WTERMSIG(status));
	else
		report("exit %d", WEXITSTATUS(status));

	if (*setting[3]) {
		unload_module("secmap");
		if (fragment)
			look_for_leaks();
	}
	end();
}
