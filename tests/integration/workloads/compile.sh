#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A compiler run: make, gcc, g++ and the linker build a library and a program, which then runs.
set -eu

cat >sum.c <<'END'
#include <stddef.h>
#include "sum.h"

unsigned long sum(const unsigned int *values, size_t count)
{
	unsigned long total = 0;

	while (count--)
		total += *values++;
	return total;
}
END
cat >sum.h <<'END'
#pragma once
#include <stddef.h>
#ifdef __cplusplus
extern "C"
#endif
unsigned long sum(const unsigned int *values, size_t count);
END
cat >main.cpp <<'END'
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>
#include "sum.h"

int main()
{
	std::vector<unsigned long> parts(4);
	std::vector<std::thread> threads;
	for (unsigned part = 0; part < parts.size(); part++)
		threads.emplace_back([&parts, part] {
			std::vector<unsigned int> values(10000);
			std::iota(values.begin(), values.end(), part);
			parts[part] = sum(values.data(), values.size());
		});
	for (auto &thread : threads)
		thread.join();
	try {
		parts.at(4) = 0;
	} catch (const std::out_of_range &) {
		std::printf("sum %lu\n", std::accumulate(parts.begin(), parts.end(), 0UL));
	}
	return 6;
}
END
cat >Makefile <<'END'
program: main.o libsum.so
	@g++ -pthread -o $@ main.o -L. -lsum -Wl,-rpath,'$$ORIGIN'
libsum.so: sum.o
	@gcc -shared -o $@ $^
sum.o: CFLAGS = -O2 -fPIC -g -pipe
main.o: CXXFLAGS = -O1
.SILENT:
END
make -j2
sha256sum sum.o libsum.so
nm --demangle main.o | grep -c ' [TU] '
status=0
./program || status=$?
exit "$status"
