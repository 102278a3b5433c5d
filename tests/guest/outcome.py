# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a guest run can end, each way with its own exit status and sentence."""

import enum


class Outcome(enum.IntEnum):
    """Exit statuses of `run` that are not the command's own."""

    USAGE = 2
    SETUP = 119
    PANIC = 120
    LOST = 121
    TIMEOUT = 122
    SPLAT = 123
    MODULE_LOAD = 124
    MODULE_UNLOAD = 125
    INTERNAL = 126


MEANING = {
    Outcome.USAGE: "bad usage of `run` itself",
    Outcome.SETUP: "the guest could not be prepared (package, kernel, build); nothing was booted",
    Outcome.PANIC: "the guest's kernel panicked",
    Outcome.LOST: "the guest ended without a status (reset, power-off, QEMU killed)",
    Outcome.TIMEOUT: "the time of --timeout was over",
    Outcome.SPLAT: "the kernel log has a warning, an oops or another report",
    Outcome.MODULE_LOAD: "the module would not load",
    Outcome.MODULE_UNLOAD: "the module would not unload",
    Outcome.INTERNAL: "the guest's own start-up failed before the command",
}


class Failure(Exception):
    """A run that ended in one of the ways above; the text is the sentence for the user."""

    def __init__(self, outcome: Outcome, sentence: str) -> None:
        super().__init__(sentence)
        self.outcome = outcome
