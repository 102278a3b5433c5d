// SPDX-License-Identifier: LGPL-2.1-or-later
/* The debug kernel: is all of it there, and has it found anything? */
#include "debug.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

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
void check_debug_kernel(const char *fragment)
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
void look_for_leaks(void)
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
