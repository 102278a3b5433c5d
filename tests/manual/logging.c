// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is logged, and the files that say what may be. */
#define _GNU_SOURCE
#include "frame.h"

#include "audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char avail[] = "/proc/sys/kernel/seccomp/actions_avail";
static const char logged[] = "/proc/sys/kernel/seccomp/actions_logged";
static const char everything[] = "kill_process kill_thread trap errno user_notif trace log";

static void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	if (length < 0)
		broken(path);
	close(fd);
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static const char *write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	const char *answer;

	if (fd < 0)
		return value(-1);
	answer = write(fd, text, strlen(text)) < 0 ? value(-1) : "written";
	close(fd);
	return answer;
}

static void say_file(const char *path)
{
	char text[256];

	read_file(path, text, sizeof(text));
	say("%s", text);
}

static void avail_file(void)
{
	struct stat status;

	say_file(avail);
	if (stat(avail, &status))
		broken("stat");
	say("mode %o", status.st_mode & 0777);
}

static void logged_file(void)
{
	say_file(logged);
	say("log trap: %s", write_file(logged, "log trap"));
	say_file(logged);
	say("all: %s", write_file(logged, everything));
	say_file(logged);
}

static void logged_allow(void)
{
	say("allow: %s", write_file(logged, "log allow"));
	say("unknown: %s", write_file(logged, "log sometimes"));
	say_file(logged);
}

static unsigned int flags;
static uint32_t action;

static void handler(int signal)
{
	(void)signal;
}

static void call_in_child(void)
{
	signal(SIGSYS, handler);
	must_install_on(flags, SYS_getppid, action);
	syscall(SYS_getppid);
}

static const uint32_t actions[] = {
	SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, FAIL(EDOM),
	SECCOMP_RET_USER_NOTIF,	  SECCOMP_RET_TRACE,	   SECCOMP_RET_LOG,  SECCOMP_RET_ALLOW,
};

/* One child for each action; the log then says which of them are in it. */
static void log_each(unsigned int with, const char *who)
{
	int audit = audit_open();

	flags = with;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		action = actions[i];
		in_child(call_in_child);
	}
	audit_say(audit, who);
	close(audit);
}

static void flag_logs(void)
{
	log_each(SECCOMP_FILTER_FLAG_LOG, "logged");
}

static void plain_logs(void)
{
	log_each(0, "logged");
}

static void flag_overridden(void)
{
	write_file(logged, "kill_thread errno");
	log_each(SECCOMP_FILTER_FLAG_LOG, "with kill_thread and errno");
	write_file(logged, everything);
}

static void plain_overridden(void)
{
	write_file(logged, "trap");
	log_each(0, "with trap alone");
	write_file(logged, everything);
}

static void log_action_overridden(void)
{
	write_file(logged, "errno trap");
	action = SECCOMP_RET_LOG;
	log_each(0, "without log");
	write_file(logged, everything);
}

static void audited(void)
{
	int audit = audit_open();

	audit_enable(audit, 1);
	write_file(logged, "kill_thread");
	log_each(0, "audited");
	write_file(logged, everything);
	audit_enable(audit, 0);
}

#define PROC  "/proc interfaces "
#define AUDIT "Audit logging "

static const struct manual_case cases[] = {
	{ "log-flag", S("SECCOMP_FILTER_FLAG_LOG #1"), "all actions but ALLOW are logged",
	  "logged: KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, USER_NOTIF, TRACE, LOG", flag_logs },
	{ "log-flag-override", S("SECCOMP_FILTER_FLAG_LOG #2"),
	  "an action that is not in actions_logged is not",
	  "with kill_thread and errno: KILL_THREAD, ERRNO", flag_overridden },
	{ "log-action", S("SECCOMP_RET_LOG #1"), "LOG is logged",
	  "logged: KILL_PROCESS, KILL_THREAD, LOG", plain_logs },
	{ "log-action-override", S("SECCOMP_RET_LOG #2"), "unless it is not in actions_logged",
	  "without log: nothing", log_action_overridden },
	REMARK("proc-files", S(PROC "#1"), "a folder has files about seccomp",
	       "the next cases read them"),
	{ "proc-avail", S(PROC "#2"), "actions_avail is a list that can only be read",
	  "kill_process kill_thread trap errno user_notif trace log allow, mode 444", avail_file },
	{ "proc-avail-order", S(PROC "#3"), "in the order of precedence",
	  "kill_process kill_thread trap errno user_notif trace log allow, mode 444", avail_file },
	{ "proc-avail-all", S(PROC "#4"), "of what the kernel has",
	  "kill_process kill_thread trap errno user_notif trace log allow, mode 444", avail_file },
	{ "proc-logged", S(PROC "#5"), "actions_logged is a list that can be written",
	  "kill_process kill_thread trap errno user_notif trace log, log trap: written, trap log, "
	  "all: written, kill_process kill_thread trap errno user_notif trace log",
	  logged_file },
	{ "proc-logged-order", S(PROC "#6"), "in any order, and is read in that of precedence",
	  "kill_process kill_thread trap errno user_notif trace log, log trap: written, trap log, "
	  "all: written, kill_process kill_thread trap errno user_notif trace log",
	  logged_file },
	{ "proc-logged-audit", S(PROC "#7"),
	  "it does not keep audit from logging the actions of a task that is audited",
	  "audited: KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, USER_NOTIF, TRACE, LOG", audited,
	  "since 4.18 only the list and the flag count", "audited: KILL_THREAD" },
	REMARK("proc-logged-final", S(PROC "#8"), "audit has the last word then",
	       "the statement before it"),
	{ "proc-logged-allow", S(PROC "#9"), "allow is not taken",
	  "allow: EINVAL, unknown: EINVAL, "
	  "kill_process kill_thread trap errno user_notif trace log",
	  logged_allow },
	{ "proc-logged-error", S(PROC "#10"), "the error is EINVAL",
	  "allow: EINVAL, unknown: EINVAL, "
	  "kill_process kill_thread trap errno user_notif trace log",
	  logged_allow },
	REMARK("audit-facility", S(AUDIT "#1"), "actions can be logged in the audit log",
	       "where these cases look"),
	REMARK("audit-decision", S(AUDIT "#2"), "the action, actions_logged and auditing decide",
	       "the next cases show each"),
	{ "audit-allow", S(AUDIT "#3"), "ALLOW is not logged",
	  "logged: KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, USER_NOTIF, TRACE, LOG", flag_logs },
	{ "audit-kill", S(AUDIT "#4"), "a KILL that is in actions_logged is",
	  "logged: KILL_PROCESS, KILL_THREAD, LOG", plain_logs },
	{ "audit-kill-override", S(AUDIT "#4"), "a KILL that is not in it is not",
	  "with trap alone: nothing", plain_overridden },
	{ "audit-flag", S(AUDIT "#5"), "with the flag, what is in actions_logged is",
	  "with kill_thread and errno: KILL_THREAD, ERRNO", flag_overridden },
	{ "audit-audited", S(AUDIT "#6"), "of a task that is audited, all is",
	  "audited: KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, USER_NOTIF, TRACE, LOG", audited,
	  "since 4.18 only the list and the flag count", "audited: KILL_THREAD" },
	{ "audit-otherwise", S(AUDIT "#7"), "nothing else is",
	  "logged: KILL_PROCESS, KILL_THREAD, LOG", plain_logs },
};

TABLE(logging_table, cases);
