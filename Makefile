# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make help` lists the targets. Each first installs the Debian packages that it
# lacks. The module is built by kbuild, everything else by CMake and Ninja, all
# below build/.

KERNEL   ?= 6.1
KERNELS  := 6.1 6.12
PREFIX   ?= /usr/local
PROGRAMS ?= 100000

# Targets run their parts side by side themselves.
.NOTPARALLEL:
.DEFAULT_GOAL := all

.PHONY: all
all: userland ## the modules for 6.1 and 6.12, the library and the tool
	@for kernel in $(KERNELS); do tests/guest/module.py $$kernel || exit; done

.PHONY: packages
packages: ## install the packages of packages.list that are missing
	@scripts/install-packages

.PHONY: module
module: packages ## the module for KERNEL=6.1, 6.12, 6.1-rt, 6.12-rt or debug
	@tests/guest/module.py $(KERNEL)

.PHONY: userland
userland: packages ## the library, the tool and the unit tests
	@scripts/build-userland

.PHONY: test
test: userland ## unit tests, tests on this machine, and in guests of 6.1 and 6.12
	@tests/run test

.PHONY: test-unit
test-unit: userland ## the unit tests alone
	@tests/run unit

.PHONY: test-guest
test-guest: userland ## the integration tests in guests of 6.1 and 6.12
	@tests/run guest

.PHONY: test-rt
test-rt: userland ## the integration tests on both PREEMPT_RT kernels
	@tests/run rt

.PHONY: test-debug
test-debug: userland ## the integration tests on the debug kernel, then a search for leaks
	@tests/run debug

.PHONY: test-long
test-long: userland ## in full: random eBPF programs, TSYNC, deaths, tracers, replacements; some hours
	@PROGRAMS=$(PROGRAMS) tests/run long

.PHONY: check
check: userland ## formatting, static analysis, licences, documents
	@scripts/check

.PHONY: format
format: packages ## format the C and C++ sources in place
	@scripts/check --fix format

.PHONY: bench
bench: userland ## measure; writes build/bench
	@$(call run,tests/bench/run)

.PHONY: demo
demo: userland ## real programs under a real profile, in a guest
	@$(call run,demo/run)

.PHONY: install
install: userland ## the library and the tool, to PREFIX=/usr/local
	@packaging/install "$(PREFIX)"

.PHONY: dkms
dkms: packages ## the module, for every installed headers package, through DKMS
	@$(call run,packaging/dkms)

.PHONY: deb
deb: packages ## Debian packages
	@$(call run,packaging/deb)

.PHONY: clean
clean: ## remove build/; the user's cache of kernels stays
	@rm -rf build

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

# A script that is not there yet is an error that says so.
run = if [ -x $(1) ]; then $(1); else echo "make $@: there is no $(1) yet" >&2; exit 1; fi
