// SPDX-License-Identifier: LGPL-2.1-or-later
/* The guest's system. */
#include "system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

#define NINEP_OPTIONS "trans=virtio,version=9p2000.L,msize=512000"

/* What this kernel may lack. */
static void may_mount(const char *type, const char *target)
{
	mkdir(target, 0755);
	mount(type, target, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static void mount_root(void)
{
	mkdir("/lower", 0755);
	mkdir("/upper", 0755);
	mkdir("/root", 0755);
	if (mount("root", "/lower", "9p", MS_RDONLY, NINEP_OPTIONS ",cache=loose"))
		fail("the host's file system by 9p");
	must_mount("tmpfs", "/upper", 0, "size=75%,mode=755");
	mkdir("/upper/data", 0755);
	mkdir("/upper/work", 0755);
	must_mount("overlay", "/root", 0,
		   "lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work");
}

void enter_root(void)
{
	mount_root();
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("the root");
}

static void make_devices(void)
{
	must_mount("devtmpfs", "/dev", MS_NOSUID, "mode=755");
	mkdir("/dev/shm", 01777);
	must_mount("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	may_mount("mqueue", "/dev/mqueue");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	if (access("/dev/ptmx", F_OK))
		symlink("pts/ptmx", "/dev/ptmx");
}

/*
 * /tmp and /run are fresh. Folders of the host below them that the command
 * needs (the tree may well be a clone in /tmp) are put back.
 */
static void make_temporary(char **visible)
{
	static const char *const fresh[] = { "/run", "/tmp", "/var/tmp" };
	int saved[64];
	size_t count = 0;
	char self[64];

	while (visible[count] && count < 64) {
		saved[count] = open(visible[count], O_PATH | O_DIRECTORY | O_CLOEXEC);
		count++;
	}
	for (size_t i = 0; i < sizeof(fresh) / sizeof(*fresh); i++)
		must_mount("tmpfs", fresh[i], MS_NOSUID | MS_NODEV, i ? "mode=1777" : "mode=755");
	mkdir("/run/lock", 01777);
	chmod("/run/lock", 01777);
	for (size_t i = 0; i < count; i++) {
		struct stat now, before;

		if (saved[i] < 0)
			continue;
		if (fstat(saved[i], &before) ||
		    (!stat(visible[i], &now) && now.st_dev == before.st_dev &&
		     now.st_ino == before.st_ino))
			continue;
		make_folders(visible[i]);
		snprintf(self, sizeof(self), "/proc/self/fd/%d", saved[i]);
		if (mount(self, visible[i], NULL, MS_BIND | MS_REC, NULL))
			fail(visible[i]);
	}
}

/* QEMU sees what its user may see, and that is seldom root's own folder. */
static void make_home(void)
{
	DIR *home = opendir("/root");

	if (home)
		closedir(home);
	else
		must_mount("tmpfs", "/root", MS_NOSUID | MS_NODEV, "mode=700");
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		report("error lo: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

void make_system(char **visible, const char *results, const char *modules)
{
	struct rlimit files = { 65536, 1048576 };
	char release[PATH_MAX];
	char *name;

	must_mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	must_mount("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	make_devices();
	make_temporary(visible);
	make_home();
	may_mount("debugfs", "/sys/kernel/debug");
	may_mount("tracefs", "/sys/kernel/tracing");
	may_mount("securityfs", "/sys/kernel/security");
	may_mount("bpf", "/sys/fs/bpf");
	may_mount("cgroup2", "/sys/fs/cgroup");
	put("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	put("/sys/fs/cgroup/cgroup.subtree_control", "+pids");
	put("/sys/fs/cgroup/cgroup.subtree_control", "+cpu");

	name = slurp("/proc/sys/kernel/osrelease", NULL);
	if (!name)
		fail("osrelease");
	name[strcspn(name, "\n")] = '\0';
	snprintf(release, sizeof(release), "/lib/modules/%s", name);
	make_folders(release);
	if (mount(modules, release, NULL, MS_BIND, NULL))
		fail(modules);
	free(name);

	make_folders(results);
	if (mount("results", results, "9p", 0, NINEP_OPTIONS))
		fail("the folder for results");
	sethostname("guest", 5);
	raise_loopback();
	setrlimit(RLIMIT_NOFILE, &files);
	umask(022);
}
