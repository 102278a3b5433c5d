# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stack answers every call as its policies do, asked one by one: whatever it knows beforehand
of each number, whom it asks, and by which way of the probe."""

import os
import random
import signal
from collections.abc import Callable, Sequence

import abi
import child
import ebpf
import pytest
from abi import ALLOW, EQ, ERRNO, IN, MASKED_EQ, NOT_IN, TRAP, Cond, Rule, Section

NUMBERS = range(600, 760)
"""No kernel has calls with these numbers: who is allowed to make them gets ENOSYS."""
ENOSYS = 38
CONSTANT = range(600, 680)
"""The numbers that most policies say one thing about; about the others it depends."""
ERRNOS = range(100, 190)
"""More than a stack keeps."""
SIX = range(6)
CALLS = [(number, tuple(values)) for number in NUMBERS for values in
         ([0] * 6, [1, 2, 3, 4, 5, 6], [7] * 6, [1 << 32 | 7] * 6, [70000, 9, 0, 0, 0, 12])]


def _seed() -> random.Random:
    seed = os.environ.get("SECMAP_SEED", "1")
    print(f"seed {seed}")
    return random.Random(seed)


def _errno(chance: random.Random) -> int:
    return ERRNO | chance.choice(ERRNOS)


def _action(chance: random.Random) -> int:
    return chance.choices((ALLOW, _errno(chance), TRAP), (6, 3, 1))[0]


def _rules(dev: int, chance: random.Random, keep: Callable[[int], int]) -> int:
    """Of kind MAPS: bitmaps, sets, ranges, several conditions, several rules."""
    tables = [keep(abi.table_create(dev, [1, 7, 9, 70000])),
              keep(abi.table_create(dev, range(100, 400), range(300))),
              keep(abi.table_create(dev, [0, 7, 12], bitmap=True, room=16))]

    def cond() -> Cond:
        op = chance.choice((EQ, MASKED_EQ, IN, NOT_IN))
        of_table = op in (IN, NOT_IN)
        return Cond(chance.choice(SIX), op, 0 if of_table else chance.choice((0, 1, 7)),
                    0 if op == EQ else 0xFFFFFFFF if chance.random() < 0.5 else 7,
                    table=chance.randrange(3) if of_table else 0)

    rules = []
    for number in NUMBERS:
        if number in CONSTANT:
            rules += [Rule(number, _action(chance))]
        else:
            rules += [Rule(number, _action(chance), [cond() for _ in range(chance.randint(1, 3))])
                      for _ in range(chance.randint(1, 3))]
    return keep(abi.policy_create(dev, [Section(rules=rules)], tables=tables))


def _classic(dev: int, chance: random.Random, keep: Callable[[int], int]) -> int:
    """Looks at an argument where the number is none of the constant ones."""
    argument = 16 + 8 * chance.choice(SIX)
    insns = [abi.load(0), (0x35, 1, 0, NUMBERS[0]), abi.ret(ALLOW)]
    for number in CONSTANT:
        insns += [abi.jeq(number, 0, 1), abi.ret(_action(chance))]
    insns += [abi.load(argument), abi.jeq(7, 0, 1), abi.ret(_action(chance)), abi.ret(_action(chance))]
    return keep(abi.cbpf(dev, insns))


def _program(dev: int, chance: random.Random, keep: Callable[[int], int]) -> int:
    """An argument, or the address of the call, asked of a set."""
    table = keep(abi.table_create(dev, [1, 7, 9, 12], [_action(chance) for _ in range(4)]))
    field = chance.choice((8, *(16 + 8 * argument for argument in SIX)))
    return keep(ebpf.policy(dev, [
        ebpf.load(ebpf.W, ebpf.R0, ebpf.R1, 0),
        ebpf.jump(ebpf.JGE, ebpf.R0, NUMBERS[0], 2, wide=False),
        *ebpf.ret(ALLOW),
        ebpf.jump(ebpf.JLT, ebpf.R0, chance.choice(NUMBERS), 2, wide=False),
        *ebpf.ret(_action(chance)),
        ebpf.load(ebpf.DW, ebpf.R2, ebpf.R1, field),
        *ebpf.table(ebpf.R1, 0),
        *ebpf.constant(ebpf.R3, _action(chance)),
        ebpf.call(ebpf.LOOKUP),
        ebpf.leave(),
    ], [table]))


def _expected(dev: int, stack: Sequence[tuple[int, int]]) -> list[int]:
    """What each of CALLS returns: the strictest action wins, and the newest errno. No address of a
    call is in a table."""
    calls = [abi.pack_call(number, values) for number, values in CALLS]
    asked = [[action for action, _ in abi.test(dev, policy, calls)] for policy, _ in stack]
    return [_returned(number, [actions[place] for actions in asked])
            for place, (number, _) in enumerate(CALLS)]


def _returned(number: int, actions: Sequence[int]) -> int:
    if TRAP in actions:
        return number  # the registers are as they were before the call
    errnos = [action for action in actions if action != ALLOW]
    assert all(action & 0xFFFF0000 == ERRNO for action in errnos)
    return -(errnos[-1] & 0xFFFF) if errnos else -ENOSYS


def _made(dev: int, stack: Sequence[tuple[int, int]]) -> list[int]:
    """What they return to a child that carries the stack, oldest first."""
    def call() -> list[int]:
        signal.signal(signal.SIGSYS, lambda *_: None)
        for policy, flags in stack:
            abi.attach(dev, policy, flags=flags)
        return [abi.raw_syscall(number, *values) for number, values in CALLS]

    result: list[int] = child.value(call)
    return result


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_as_its_policies_say(dev: int, keep: Callable[[int], int], depth: int) -> None:
    """Also with policies that are there twice, and with those whose errnos are to be logged."""
    chance = _seed()
    engines = (_rules, _rules, _classic, _program)
    seen = set()
    for _ in range(24 // depth + 4):
        made = [chance.choice(engines)(dev, chance, keep) for _ in range(depth)]
        stack = [(policy, abi.ATTACH_LOG if chance.random() < 0.1 else 0) for policy in made]
        stack += chance.sample(stack, depth // 2)
        expected = _expected(dev, stack)
        assert _made(dev, stack) == expected
        seen.update(expected)
    assert len(seen) > 20 and -ENOSYS in seen and seen & set(NUMBERS)


def test_more_to_ask_than_a_stack_keeps(dev: int, keep: Callable[[int], int]) -> None:
    """Each number has a rule of its own, and each an errno of its own."""
    policy = keep(abi.policy_create(dev, [Section(rules=[
        *(Rule(number, ERRNO | number - 500) for number in CONSTANT),
        *(Rule(number, ERRNO | number - 500, [Cond(number % 6, EQ, 7)])
          for number in NUMBERS if number not in CONSTANT)])]))
    stack = [(policy, 0)]
    expected = _expected(dev, stack)
    assert len(set(expected)) == len(NUMBERS) + 1
    assert _made(dev, stack) == expected


def test_twice_is_once(dev: int, keep: Callable[[int], int]) -> None:
    """And the newer one's: the older one is asked again when the newer one is gone."""
    argument = keep(abi.policy_create(dev, [Section(rules=[
        Rule(NUMBERS[0], ERRNO | 101, [Cond(0, EQ, 7)])])]))
    other = keep(abi.simple(dev, {NUMBERS[0]: ERRNO | 102}))

    asked, answered = os.pipe(), os.pipe()

    def call() -> list[int]:
        for policy in (argument, other, argument):
            abi.attach(dev, policy)
        found = []
        for _ in range(4):
            found.append(abi.raw_syscall(NUMBERS[0], 7))
            os.write(asked[1], b".")
            os.read(answered[0], 1)
        return found

    with child.Child(call) as caller:
        for _ in range(4):
            os.read(asked[0], 1)
            if carried := abi.task_ids(dev, caller.pid):
                abi.detach(dev, caller.pid, carried[-1])
            os.write(answered[1], b".")
        assert caller.outcome().value == [-101, -102, -101, -ENOSYS]
    for descriptor in (*asked, *answered):
        os.close(descriptor)
