// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a fuzzer's function on a corpus, for machines without libFuzzer; or writes the
 * corpus to a folder, where libFuzzer wants it.
 *
 *	replay CORPUS [FOLDER]
 *
 * A corpus is a text file with an input in hexadecimal on each line; # begins a comment.
 */
#include <sys/stat.h>

#include "kernel.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

/* The bytes of a line, in memory of just that size; NULL: it is not hexadecimal. */
static u8 *read_bytes(const char *line, size_t *size)
{
	size_t digits = strspn(line, "0123456789abcdef"), i;
	u8 *bytes;

	if (line[digits] != '\n' || digits % 2)
		return NULL;
	*size = digits / 2;
	bytes = malloc(*size);
	for (i = 0; bytes && i < *size; i++)
		sscanf(line + 2 * i, "%2hhx", &bytes[i]);
	return bytes;
}

static int write_bytes(const char *folder, unsigned int number, const u8 *bytes, size_t size)
{
	char path[4096];
	bool written;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u", folder, number);
	file = fopen(path, "wb");
	if (!file)
		return -1;
	written = fwrite(bytes, 1, size, file) == size;
	return fclose(file) || !written ? -1 : 0;
}

/* How many inputs there were, or -1. */
static int each_line(FILE *corpus, const char *folder)
{
	static char line[2 * INPUT_MAX + 2];
	unsigned int number = 0;
	int count = 0, err = 0;

	while (!err && fgets(line, sizeof(line), corpus)) {
		size_t size;
		u8 *bytes;

		number++;
		if (line[0] == '#')
			continue;
		bytes = read_bytes(line, &size);
		if (!bytes) {
			fprintf(stderr, "line %u: not hexadecimal\n", number);
			return -1;
		}
		/* Before it runs: if it dies there, this is the culprit. */
		printf("line %u\n", number);
		fflush(stdout);
		if (folder)
			err = write_bytes(folder, number, bytes, size);
		else
			LLVMFuzzerTestOneInput(bytes, size);
		free(bytes);
		count++;
	}
	return err ? -1 : count;
}

int main(int argc, char **argv)
{
	FILE *corpus;
	int count;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s CORPUS [FOLDER]\n", argv[0]);
		return 2;
	}
	corpus = fopen(argv[1], "r");
	if (!corpus) {
		perror(argv[1]);
		return 1;
	}
	if (argc == 3)
		mkdir(argv[2], 0777);
	count = each_line(corpus, argc == 3 ? argv[2] : NULL);
	fclose(corpus);
	/* An empty corpus is a mistake. */
	return count <= 0;
}
