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
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NINEP_OPTIONS "trans=virtio,version=9p2000.L,msize=512000"

static int status_port = -1;
static int kmsg = -1;
static unsigned long long relayed[2];

static void sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static void write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		data += done;
		size -= done;
	}
}

/* One write to each, so that lines stay whole. */
static void report(const char *format, ...)
{
	char line[512];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (size < 0 || size > (int)sizeof(line) - 2)
		size = sizeof(line) - 2;
	line[size++] = '\n';
	write_all(status_port < 0 ? STDERR_FILENO : status_port, line, size);
}

/* Not dprintf(): it seeks first, which this device refuses. */
static void log_line(const char *prefix, const char *text)
{
	char line[512];

	snprintf(line, sizeof(line), "%s%s\n", prefix, text);
	write_all(kmsg, line, strlen(line));
}

static void mark(const char *what)
{
	log_line("<5>secmap-guest: ", what);
}

static void __attribute__((noreturn)) end(void)
{
	mark("end");
	sync();
	report("end %llu %llu", relayed[0], relayed[1]);
	for (;;)
		pause();
}

static void __attribute__((noreturn)) fail(const char *what)
{
	report("error %s: %s", what, strerror(errno));
	end();
}

/* The whole of a small file, with a zero behind it; NULL if there is none. */
static char *slurp(const char *path, size_t *size)
{
	char *data = NULL;
	size_t used = 0, room = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	for (;;) {
		ssize_t got;

		if (used + 1 >= room) {
			room = room ? room * 2 : 4096;
			data = realloc(data, room);
			if (!data)
				fail(path);
		}
		got = read(fd, data + used, room - used - 1);
		if (got <= 0)
			break;
		used += got;
	}
	close(fd);
	data[used] = '\0';
	if (size)
		*size = used;
	return data;
}

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

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	write_all(fd, text, strlen(text));
	close(fd);
}

static void make_folders(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
	mkdir(copy, 0755);
}

static void must_mount(const char *type, const char *target, unsigned long flags,
		       const char *options)
{
	if (mount(type, target, type, flags, options))
		fail(target);
}

/* What this kernel may lack. */
static void may_mount(const char *type, const char *target)
{
	mkdir(target, 0755);
	mount(type, target, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
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

/* Ports appear a moment after their driver; their order says nothing. */
static int open_port(const char *wanted)
{
	char path[PATH_MAX];

	for (int tries = 0; tries < 3000; tries++) {
		DIR *folder = opendir("/sys/class/virtio-ports");
		struct dirent *entry;

		while (folder && (entry = readdir(folder))) {
			char *name;
			bool same;
			int fd;

			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
				 entry->d_name);
			name = slurp(path, NULL);
			if (!name)
				continue;
			name[strcspn(name, "\n")] = '\0';
			same = !strcmp(name, wanted);
			free(name);
			if (!same)
				continue;
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fd >= 0) {
				closedir(folder);
				return fd;
			}
		}
		if (folder)
			closedir(folder);
		sleep_ms(10);
	}
	errno = ENODEV;
	fail(wanted);
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

static void enter_root(void)
{
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("the root");
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

static void make_system(char **visible, const char *results, const char *modules)
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

/* Each line of the fragment as the running kernel says it is. */
static bool options_are_on(const char *fragment)
{
	size_t size = 0, room = 1 << 20;
	char *have = malloc(room);
	FILE *config = popen("/bin/zcat /proc/config.gz", "r");
	bool good = true;

	if (!have || !config)
		return false;
	have[size++] = '\n';
	size += fread(have + size, 1, room - size - 1, config);
	have[size] = '\0';
	if (pclose(config))
		return false;
	for (char *line = strdup(fragment), *next; line && *line; line = next) {
		char wanted[256];
		bool off;

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		off = !strncmp(line, "# CONFIG_", 9) && strstr(line, " is not set");
		if (off) {
			*strchr(line + 2, ' ') = '\0';
			snprintf(wanted, sizeof(wanted), "\n%s=", line + 2);
		} else if (!strncmp(line, "CONFIG_", 7)) {
			snprintf(wanted, sizeof(wanted), "\n%s\n", line);
		} else {
			continue;
		}
		if (!!strstr(have, wanted) == off) {
			report("error the kernel does not have %s", line);
			good = false;
		}
	}
	free(have);
	return good;
}

/* What the debug kernel has must also be seen to work. */
static void check_debug_kernel(const char *fragment)
{
	static const char *const shown[] = {
		"/proc/lockdep",
		"/sys/kernel/debug/kmemleak",
		"/sys/kernel/debug/kcov",
		"/sys/kernel/debug/failslab",
		"/sys/kernel/debug/fail_usercopy",
	};
	bool good = options_are_on(fragment);

	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		if (!access(shown[i], R_OK))
			continue;
		report("error the debug kernel shows no %s", shown[i]);
		good = false;
	}
	if (!good)
		end();
	put("/sys/kernel/debug/kmemleak", "scan=off");
	put("/sys/kernel/debug/kmemleak", "clear");
}

/* Objects younger than five seconds are never reported, hence twice. */
static void look_for_leaks(void)
{
	static const char *const file = "/sys/kernel/debug/kmemleak";
	char *found;

	put(file, "scan");
	sleep_ms(6000);
	put(file, "scan");
	found = slurp(file, NULL);
	if (!found || !*found)
		return;
	report("leak");
	for (char *line = strtok(found, "\n"); line; line = strtok(NULL, "\n"))
		log_line("<3>kmemleak: ", line);
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

static void __attribute__((noreturn))
execute(char **argv, char **env, const char *folder, const int out[2], const int err[2])
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	dup2(null, STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	close_range(3, ~0U, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	environ = env;
	if (chdir(folder)) {
		dprintf(STDERR_FILENO, "guest: %s: %s\n", folder, strerror(errno));
		_exit(126);
	}
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "guest: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* False at the end of the pipe. */
static bool relay(int from, int to, unsigned long long *total)
{
	static char buffer[32768];
	ssize_t got = read(from, buffer, sizeof(buffer));

	if (got > 0) {
		write_all(to, buffer, got);
		*total += got;
	}
	return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/* True when the command itself is among the dead. */
static bool reap(pid_t command, int *status)
{
	bool ended = false;
	int one;
	pid_t pid;

	while ((pid = waitpid(-1, &one, WNOHANG | __WALL)) > 0) {
		if (pid == command) {
			*status = one;
			ended = true;
		}
	}
	return ended;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Run the command, pass on what it and its children write, and return its wait
 * status. When it has ended, what it left running is killed: then both pipes
 * end, unless a process cannot die, which is not waited for.
 */
static int run_command(char **argv, char **env, const char *folder)
{
	int ports[2] = { open_port("stdout"), open_port("stderr") };
	int out[2], err[2], status = 0;
	long deadline = LONG_MAX;
	bool ended = false;
	sigset_t children;
	struct pollfd fds[3];
	pid_t command;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	fds[2].fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fds[2].fd < 0 || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("pipes");

	report("ready");
	command = fork();
	if (command < 0)
		fail("fork");
	if (!command)
		execute(argv, env, folder, out, err);
	close(out[1]);
	close(err[1]);
	fds[0].fd = out[0];
	fds[1].fd = err[0];
	for (int i = 0; i < 3; i++)
		fds[i].events = POLLIN;

	while (!ended || ((fds[0].fd >= 0 || fds[1].fd >= 0) && now_ms() < deadline)) {
		if (poll(fds, 3, ended ? 100 : -1) < 0 && errno != EINTR)
			fail("poll");
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd >= 0 && fds[i].revents &&
			    !relay(fds[i].fd, ports[i], &relayed[i]))
				fds[i].fd = -1;
		}
		if (fds[2].revents) {
			struct signalfd_siginfo info;

			while (read(fds[2].fd, &info, sizeof(info)) > 0)
				;
		}
		if (reap(command, &status)) {
			ended = true;
			deadline = now_ms() + 10000;
		}
		if (ended)
			kill(-1, SIGKILL);
	}
	return status;
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
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	load_basic_modules();
	status_port = open_port("status");

	argv = job_list("/job/argv");
	env = job_list("/job/env");
	visible = job_list("/job/visible");
	/* current directory, results, /lib/modules/RELEASE, module to load or "" */
	setting = job_list("/job/setting");
	fragment = slurp("/job/fragment", NULL);

	mount_root();
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
