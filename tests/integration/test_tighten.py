# SPDX-License-Identifier: LGPL-2.1-or-later
"""POLICY_REPLACE with TIGHTEN: what it lets through, who may, and whose tasks nobody can hurt."""

import os
import threading
import time
from collections.abc import Callable
from errno import E2BIG, EFAULT, EINVAL, ENOSPC, EOPNOTSUPP, EPERM, EXDEV

import abi
import child
import pytest
from abi import ALLOW, ERRNO, Cond, Rule, Section
from child import Child, become_nobody, errno_of, gate
from records import Record

GETPPID, GETPGID, SETRESUID, SETRESGID = 110, 121, 117, 119
DENIED = 1001
TSYNC = 1
Keep = Callable[[int], int]
Failure = list[int | str]


def _mild(dev: int) -> int:
    """Denies one argument."""
    return abi.policy_create(dev, [Section(rules=[
        Rule(GETPGID, ERRNO | DENIED, [Cond(0, abi.EQ, value=7)])])], name="mild")


def _strict(dev: int) -> int:
    """Denies more arguments, and a call."""
    return abi.policy_create(dev, [Section(rules=[
        Rule(GETPPID, ERRNO | DENIED),
        Rule(GETPGID, ERRNO | DENIED, [Cond(0, abi.GE, value=7)])])], name="strict")


def _said() -> list[bool]:
    return [abi.raw_syscall(GETPPID) == -DENIED, abi.raw_syscall(GETPGID, 7) == -DENIED,
            abi.raw_syscall(GETPGID, 8) == -DENIED]


def _tighten(dev: int, policy: int, by: int) -> Failure:
    """Why not."""
    try:
        abi.tighten(dev, policy, by)
    except OSError as error:
        return [error.errno or -1, error.strerror or ""]
    return [0, ""]


def _carry(dev: int, *policies: int) -> None:
    abi.no_new_privs()
    for policy in policies:
        abi.attach(dev, policy)


def _carrier(function: Callable[[], object]) -> Child:
    """A task that does this, and then sleeps."""
    with gate() as ready:
        def carry() -> None:
            function()
            ready.open()
            time.sleep(600)

        task = Child(carry)
        ready.wait()
        return task


def _in_turn(*steps: Callable[[], object]) -> Callable[[], None]:
    """Does one after the other."""
    def run() -> None:
        for step in steps:
            step()

    return run


def _as_nobody(function: Callable[[int], object]) -> object:
    """What it returns to somebody without privileges, with a device of his own."""
    def run() -> object:
        become_nobody()
        return function(abi.device())

    return child.value(run)


def test_the_owner_tightens_a_running_task() -> None:
    def owner(dev: int) -> object:
        mild, strict = _mild(dev), _strict(dev)
        with gate() as ready, gate() as go:
            def task() -> object:
                _carry(dev, mild)
                before = _said()
                ready.open()
                go.wait()
                return [before, _said()]

            with Child(task) as one:
                ready.wait()
                done = abi.tighten(dev, mild, strict)
                go.open()
                return [done, one.outcome().value]

    assert _as_nobody(owner) == [[1, 1], [[False, True, False], [True, True, True]]]


def test_he_does_not_loosen() -> None:
    """And nothing has changed."""
    def owner(dev: int) -> object:
        mild, strict = _mild(dev), _strict(dev)
        with _carrier(lambda: _carry(dev, strict)):
            said = [_tighten(dev, strict, mild),
                    errno_of(lambda: abi.replace(dev, strict, mild)),
                    errno_of(lambda: abi.replace(dev, mild, strict))]
            return [*said, abi.policy_info(dev, strict)["stacks"], abi.policy_info(dev, mild)["stacks"]]

    text = f"x86_64 number {GETPPID}: calls may get ALLOW by default_action that got ERRNO by rule 0"
    assert _as_nobody(owner) == [[EXDEV, text], EPERM, EPERM, 1, 0]


def test_an_administrator_may_whatever_it_is(dev: int, keep: Keep) -> None:
    """As far as it tightens."""
    mild, strict = keep(_mild(dev)), keep(_strict(dev))
    with _carrier(lambda: abi.attach(dev, mild)) as task:
        assert abi.tighten(dev, mild, strict) == (1, 1)
        assert abi.task_ids(dev, task.pid) == [abi.policy_info(dev, strict)["id"]]
        assert errno_of(lambda: abi.tighten(dev, strict, mild)) == EXDEV


def test_who_may_not(dev: int, keep: Keep) -> None:
    roots = keep(_mild(dev))

    def sealed(there: int) -> object:
        mild = _mild(there)
        abi.seal(there, mild)
        return _tighten(there, mild, _strict(there))[0]

    def filtered(there: int) -> object:
        mild = _mild(there)
        _carry(there, mild)
        return _tighten(there, mild, _strict(there))

    def others(there: int) -> object:
        mine = _mild(there)
        return [_tighten(there, roots, _strict(there))[0],
                _tighten(there, mine, roots)[0]]

    assert _as_nobody(sealed) == EPERM
    assert _as_nobody(filtered) == [EPERM, "the caller is filtered itself"]
    assert _as_nobody(others) == [EPERM, EPERM]
    abi.seal(dev, roots)
    strict = keep(_strict(dev))
    ident = abi.policy_info(dev, roots)["id"]
    assert _tighten(dev, roots, strict) == [EPERM, f"policy {ident} is sealed"]


def _nobodys(dev: int, keep: Keep, count: int = 1) -> list[int]:
    """Policies that he has made, held by root too."""
    def make() -> int:
        with child.effective_nobody():
            return keep(_mild(dev))

    return [make() for _ in range(count)]


def _become_nobody_of(group: int) -> Callable[[], None]:
    """Nobody, of a group that a set-group-id program has given him for good."""
    def become() -> None:
        os.setresgid(group, group, group)
        os.setresuid(child.NOBODY, child.NOBODY, child.NOBODY)
        child.become_dumpable()

    return become


def _try(policy: int) -> int:
    """What its maker gets when he tightens it."""
    def tighten(there: int) -> int:
        return errno_of(lambda: abi.tighten(there, policy, _strict(there)))

    return int(str(_as_nobody(tighten)))


@pytest.mark.parametrize("how", [
    "attached by root", "root carries it itself", "root in nobody's place", "without no_new_privs",
    "a saved id", "a group", "another group", "dropped privileges"])
def test_a_task_with_more_privileges_is_not_tightened(dev: int, keep: Keep, how: str) -> None:
    """Else its maker could make setuid() fail there, say."""
    (policy,) = _nobodys(dev, keep)
    nobody = child.NOBODY

    def carry() -> None:
        _carry(dev, policy)

    own: dict[str, Callable[[], object]] = {
        "attached by root": lambda: None,
        "root carries it itself": carry,
        "root in nobody's place": _in_turn(lambda: os.seteuid(nobody), carry),
        "without no_new_privs": lambda: abi.attach(dev, policy),
        "a saved id": _in_turn(lambda: os.setresuid(nobody, nobody, 0), carry),
        "a group": _in_turn(lambda: os.setresgid(nobody, 0, 0),
                            lambda: os.setresuid(nobody, nobody, nobody), carry),
        "another group": _in_turn(_become_nobody_of(12), carry),
        "dropped privileges": _in_turn(become_nobody, lambda: child.become_dumpable(False), carry)}
    with _carrier(own[how]) as task:
        if how == "attached by root":
            abi.attach(dev, policy, task.pid)
        before = abi.task_ids(dev, task.pid)
        assert before == [abi.policy_info(dev, policy)["id"]]
        assert _try(policy) == EPERM
        assert abi.task_ids(dev, task.pid) == before
    # It stays so, also for those that come.
    with _carrier(_in_turn(become_nobody, carry)):
        assert _try(policy) == EPERM
        strict = keep(_strict(dev))
        assert abi.tighten(dev, policy, strict) == (1, 1)


def test_not_lent_it_is() -> None:
    """The other half of the test above: of a task that differs in nothing but its ids."""
    def owner(dev: int) -> object:
        mild = _mild(dev)
        with _carrier(lambda: _carry(dev, mild)), _carrier(lambda: _carry(dev, mild)):
            return abi.tighten(dev, mild, _strict(dev))

    assert _as_nobody(owner) == [2, 2]


def test_a_maker_of_another_group_is_somebody_else(dev: int, keep: Keep) -> None:
    """His user's tasks of that group could not trace one of this one."""
    (policy,) = _nobodys(dev, keep)

    def tighten() -> object:
        _become_nobody_of(12)()
        there = abi.device()
        return _tighten(there, policy, _strict(there))

    with _carrier(_in_turn(become_nobody, lambda: _carry(dev, policy))):
        ident = abi.policy_info(dev, policy)["id"]
        assert child.value(tighten) == [EPERM, f"somebody else made policy {ident}"]
        assert _try(policy) == 0


def test_what_a_thread_is_given_by_another_one(dev: int, keep: Keep) -> None:
    """TSYNC gives all that the one carries to the other, which is root."""
    below, top = _nobodys(dev, keep, 2)

    def process() -> None:
        def nobody() -> None:
            abi.raw_syscall(SETRESGID, *[child.NOBODY] * 3)
            abi.raw_syscall(SETRESUID, *[child.NOBODY] * 3)
            _carry(dev, below)
            abi.attach(dev, top, flags=TSYNC)

        thread = threading.Thread(target=nobody)
        thread.start()
        thread.join()

    with _carrier(process) as task:
        idents = [abi.policy_info(dev, each)["id"] for each in (below, top)]
        assert abi.task_ids(dev, task.pid) == idents
        for policy in (below, top):
            assert _try(policy) == EPERM
        assert abi.task_ids(dev, task.pid) == idents


def test_threads_of_his_own_process_are_his() -> None:
    def owner(dev: int) -> object:
        mild = _mild(dev)

        def process() -> None:
            stay = threading.Event()
            threading.Thread(target=stay.wait, daemon=True).start()
            abi.no_new_privs()
            abi.attach(dev, mild, flags=TSYNC)

        with _carrier(process):
            return abi.tighten(dev, mild, _strict(dev))

    assert _as_nobody(owner) == [2, 1]


def test_what_comes_in_the_place_of_a_lent_one_is_lent(dev: int, keep: Keep) -> None:
    first, second, third = _nobodys(dev, keep, 3)
    roots = keep(_mild(dev))
    with _carrier(lambda: abi.attach(dev, first)), _carrier(lambda: abi.attach(dev, roots)):
        assert abi.replace(dev, first, second) == (1, 1)
        assert abi.replace(dev, roots, third) == (1, 1)
        for policy in (second, third):
            assert _try(policy) == EPERM


def test_own_ones_are_found(dev: int, keep: Keep) -> None:
    """By their maker, in the initial namespaces; what nobody carries, and what is lent, is not."""
    mine, lent, unheld = _nobodys(dev, keep, 3)
    idents = [int(str(abi.policy_info(dev, each)["id"])) for each in (mine, lent, unheld)]

    def open_one(there: int, ident: int) -> int:
        return errno_of(lambda: os.close(abi.policy_by_id(there, ident)))

    def look(there: int) -> object:
        found = abi.own_policies(there)
        return [found, [open_one(there, each) for each in [*idents, 0x7fffffff]]]

    def confined() -> object:
        child.unshare(child.CLONE_NEWUSER)
        return look(abi.device())

    def filtered(there: int) -> object:
        _carry(there, unheld)
        return look(there)

    def contained() -> object:
        child.unshare(child.CLONE_NEWPID)
        return child.value(lambda: _as_nobody(look))

    nothing = [[], [EPERM] * 4]
    with _carrier(_in_turn(become_nobody, lambda: _carry(dev, mine))), \
            _carrier(lambda: abi.attach(dev, lent)):
        assert _as_nobody(look) == [[idents[0]], [0, EPERM, EPERM, EPERM]]
        assert _as_nobody(filtered) == nothing
        assert child.value(contained) == nothing
        assert child.value(confined) == nothing
        # Root has made none of these, but may open all.
        assert abi.own_policies(dev) == []
        assert open_one(dev, idents[2]) == 0


def test_he_does_not_make_stacks_dear() -> None:
    """As an administrator does; each call of theirs would keep a processor for long."""
    def owner(dev: int) -> object:
        conds = [Cond(0, abi.EQ, value=value) for value in range(31)]
        dear = abi.policy_create(dev, [Section(rules=[Rule(GETPPID, ERRNO | 1, conds)] * 127)])
        free = [abi.policy_create(dev, [Section()]) for _ in range(3)]
        with _carrier(lambda: _carry(dev, *free)):
            return [_tighten(dev, each, dear)[0] for each in free]

    assert _as_nobody(owner) == [0, 0, ENOSPC]


def test_programs_are_not_compared(dev: int, keep: Keep) -> None:
    program, mild = keep(abi.cbpf(dev, [abi.ret(ALLOW)])), keep(_mild(dev))
    ident = abi.policy_info(dev, program)["id"]
    for policy, by in ((program, mild), (mild, program)):
        assert _tighten(dev, policy, by) == [EOPNOTSUPP, f"policy {ident} is a program"]


def test_the_log_of_the_record(dev: int, keep: Keep) -> None:
    mild, strict = keep(_mild(dev)), keep(_strict(dev))
    log = abi.Memory(bytes(64))

    def ask(**members: int) -> int:
        record = Record("secmap_policy_replace", policy_fd=strict, by_fd=mild, flags=1, **members)
        return record.errno(dev)

    assert ask() == EXDEV
    assert ask(log=log.address) == ask(log_size=64) == ask(pad=1) == EINVAL
    assert ask(log=log.address, log_size=4097) == E2BIG
    assert ask(log=log.address, log_size=9) == EXDEV
    assert log.buffer.value == b"x86_64 n"
    assert ask(log=8, log_size=64) == EFAULT
