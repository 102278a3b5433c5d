# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies of kind EBPF: what programs answer, with each of the kernel's ways to run them."""

import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterator
from errno import EDOM, ENOSPC
from pathlib import Path

import abi
import child
import ebpf
import filtered
import pytest
from abi import ALLOW, ERRNO
from child import errno_of, value
from ebpf import FP, R0, R1, R2, R3, R6, R7, Insn

GETPPID, GETUID = 110, 102
ANY = 200
"""a number that the programs here look at, and no test calls"""
WORDS = [0, 1, 2, 7, 31, 32, 63, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 32) + 3,
         1 << 63, (1 << 63) - 1, (1 << 64) - 1, 0x0123456789ABCDEF]
MASK = (1 << 64) - 1
SETTINGS = Path("/proc/sys/net/core")


@pytest.fixture(params=["jit", "blinding", "interpreter"])
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """How the kernel runs programs that are made from here on."""
    enable, harden = SETTINGS / "bpf_jit_enable", SETTINGS / "bpf_jit_harden"
    before = enable.read_text(), harden.read_text()
    if request.param == "interpreter" and os.environ.get("SECMAP_KERNEL") == "debug":
        # It has no interpreter, and says so.
        assert errno_of(lambda: enable.write_text("0") and None) != 0
        pytest.skip("the debug kernel always compiles")
    enable.write_text("0" if request.param == "interpreter" else "1")
    harden.write_text("2" if request.param == "blinding" else "0")
    yield request.param
    enable.write_text(before[0])
    harden.write_text(before[1])


def result(insns: list[Insn]) -> list[Insn]:
    """A program that returns the half of r0 that the third argument names."""
    return [ebpf.mov_reg(R6, R1), *insns, ebpf.arg_of(R1, R6, 2), ebpf.jump(ebpf.JEQ, R1, 0, 1),
            ebpf.alu(ebpf.RSH, R0, 32), ebpf.leave()]


def both(dev: int, policy: int, left: int, right: int) -> int:
    """All of r0 of such a program."""
    low, high = (ebpf.answer(dev, policy, ANY, left, right, half) for half in (0, 1))
    return low | high << 32


def compute(op: int, left: int, right: int, wide: bool) -> int:
    """What eBPF says that left op right is."""
    bits = 64 if wide else 32
    mask = (1 << bits) - 1
    a, b = left & mask, right & mask
    signed = a - (1 << bits) if a >> bits - 1 else a
    return {
        ebpf.ADD: a + b, ebpf.SUB: a - b, ebpf.MUL: a * b, ebpf.DIV: a // b if b else 0,
        ebpf.OR: a | b, ebpf.AND: a & b, ebpf.LSH: a << b % bits, ebpf.RSH: a >> b % bits,
        ebpf.NEG: -a, ebpf.MOD: a % b if b else a, ebpf.XOR: a ^ b, ebpf.MOV: b,
        ebpf.ARSH: signed >> b % bits,
    }[op] & mask


def holds(op: int, left: int, right: int, wide: bool) -> bool:
    """Whether left op right."""
    bits = 64 if wide else 32
    a, b = left % (1 << bits), right % (1 << bits)
    c, d = (each - (1 << bits) if each >> bits - 1 else each for each in (a, b))
    return bool({
        ebpf.JEQ: a == b, ebpf.JGT: a > b, ebpf.JGE: a >= b, ebpf.JSET: a & b, ebpf.JNE: a != b,
        ebpf.JSGT: c > d, ebpf.JSGE: c >= d, ebpf.JLT: a < b, ebpf.JLE: a <= b, ebpf.JSLT: c < d,
        ebpf.JSLE: c <= d,
    }[op])


OPERATIONS = [op for op in range(0, 0xD0, 0x10) if op != ebpf.NEG]
COMPARISONS = [ebpf.JEQ, ebpf.JGT, ebpf.JGE, ebpf.JSET, ebpf.JNE, ebpf.JSGT, ebpf.JSGE, ebpf.JLT,
               ebpf.JLE, ebpf.JSLT, ebpf.JSLE]


@pytest.mark.parametrize("wide", [True, False])
def test_arithmetic(dev: int, way: str, wide: bool) -> None:
    """Every operation, by a register and by a constant, a divisor of 0 among them."""
    for op in OPERATIONS:
        policy = ebpf.policy(dev, result([
            ebpf.arg(R0, 0), ebpf.arg(R2, 1), ebpf.alu_reg(op, R0, R2, wide=wide)]))
        for left in WORDS:
            for right in WORDS:
                assert both(dev, policy, left, right) == compute(op, left, right, wide), (
                    way, op, left, right)
        os.close(policy)
        for right in (1, 7, 31, -1, 0x7FFFFFFF):
            if right < 0 and op in (ebpf.LSH, ebpf.RSH, ebpf.ARSH) or right > 31 and op in (
                    ebpf.LSH, ebpf.RSH, ebpf.ARSH):
                continue
            policy = ebpf.policy(dev, result([ebpf.arg(R0, 0), ebpf.alu(op, R0, right, wide=wide)]))
            for left in WORDS:
                assert both(dev, policy, left, 0) == compute(op, left, right & MASK, wide), (
                    way, op, left, right)
            os.close(policy)
    policy = ebpf.policy(dev, result([ebpf.arg(R0, 0), ebpf.alu(ebpf.NEG, R0, 0, wide=wide)]))
    for left in WORDS:
        assert both(dev, policy, left, 0) == compute(ebpf.NEG, left, 0, wide)
    os.close(policy)


def test_division_by_its_own_register(dev: int, keep: Callable[[int], int], way: str) -> None:
    """What is divided is the divisor, too."""
    for op in (ebpf.DIV, ebpf.MOD):
        for wide in (True, False):
            policy = keep(ebpf.policy(dev, result([
                ebpf.arg(R0, 0), ebpf.alu_reg(op, R0, R0, wide=wide)])))
            for left in WORDS:
                assert both(dev, policy, left, 0) == compute(op, left, left, wide), (way, op, left)


@pytest.mark.parametrize("wide", [True, False])
def test_jumps(dev: int, way: str, wide: bool) -> None:
    for op in COMPARISONS:
        policy = ebpf.policy(dev, [
            ebpf.arg(R2, 0), ebpf.arg(R3, 1), ebpf.mov(R0, 1),
            ebpf.jump_reg(op, R2, R3, 1, wide=wide), ebpf.mov(R0, 0), ebpf.leave()])
        for left in WORDS:
            for right in WORDS:
                assert ebpf.answer(dev, policy, ANY, left, right) == holds(op, left, right, wide), (
                    way, op, left, right)
        os.close(policy)
        for right in (0, 7, -1):
            policy = ebpf.policy(dev, [
                ebpf.arg(R2, 0), ebpf.mov(R0, 1), ebpf.jump(op, R2, right, 1, wide=wide),
                ebpf.mov(R0, 0), ebpf.leave()])
            for left in WORDS:
                assert ebpf.answer(dev, policy, ANY, left) == holds(op, left, right & MASK, wide)
            os.close(policy)


def test_bytes_in_another_order(dev: int, keep: Callable[[int], int], way: str) -> None:
    for bits in (16, 32, 64):
        for big in (False, True):
            policy = keep(ebpf.policy(dev, result([ebpf.arg(R0, 0), ebpf.swap(R0, bits, big=big)])))
            for word in WORDS:
                low = (word % (1 << bits)).to_bytes(bits // 8, "little")
                expected = int.from_bytes(low, "big" if big else "little")
                assert both(dev, policy, word, 0) == expected, (way, bits, big, word)


def test_jumps_over_what_grows(dev: int, keep: Callable[[int], int], way: str) -> None:
    """What a jump leaves out becomes longer in the kernel: divisions, stores, constants."""
    grows = [*ebpf.constant(R3, 1 << 40), ebpf.alu_reg(ebpf.DIV, R2, R3),
             ebpf.alu_reg(ebpf.MOD, R2, R3, wide=False), ebpf.store_reg(ebpf.DW, -8, R2),
             ebpf.store(ebpf.W, -12, 7)]
    # Each way goes through one block, so that the program is long and no call dear.
    blocks = [[*grows * 110, ebpf.mov(R0, 40 + n), ebpf.leave()] for n in range(6)]
    insns: list[Insn] = []
    for n, block in enumerate(blocks):
        insns += [ebpf.jump(ebpf.JNE, R2, n, len(block)), *block]
    policy = keep(ebpf.policy(dev, [
        ebpf.arg(R2, 0), ebpf.jump(ebpf.JEQ, R2, 9, len(insns)), *insns, ebpf.mov(R0, 50),
        ebpf.leave()]))
    assert [ebpf.answer(dev, policy, ANY, n) for n in range(10)] == [
        40, 41, 42, 43, 44, 45, 50, 50, 50, 50], way


def test_every_member_of_the_call(dev: int, keep: Callable[[int], int], way: str) -> None:
    """What a program reads is what POLICY_TEST was given: words, and parts of them."""
    call = abi.pack_call(7, [0x1111222233334444 + n for n in range(6)], ip=0x5555666677778888)
    for offset in range(0, 64, 4):
        policy = keep(ebpf.policy(dev, [ebpf.load(ebpf.W, R0, R1, offset), ebpf.leave()]))
        assert abi.test(dev, policy, [call])[0][0] == struct.unpack_from("<I", call, offset)[0], way
    for size, letter in ((ebpf.B, "B"), (ebpf.H, "H"), (ebpf.DW, "Q")):
        for offset in range(16, 64, ebpf.SIZES[size] * 3):
            policy = keep(ebpf.policy(dev, [ebpf.load(size, R0, R1, offset), ebpf.leave()]))
            found = struct.unpack_from(f"<{letter}", call, offset)[0]
            assert abi.test(dev, policy, [call])[0][0] == found & 0xFFFFFFFF, (way, size, offset)


def test_stack(dev: int, keep: Callable[[int], int], way: str) -> None:
    """Each size at the top and at the bottom; parts of a word; a pointer that comes back."""
    for size, length in ebpf.SIZES.items():
        for at in (-length, -512, -256):
            policy = keep(ebpf.policy(dev, result([
                ebpf.arg(R2, 0), ebpf.store_reg(size, at, R2), ebpf.load(size, R0, FP, at)])))
            for word in WORDS:
                assert both(dev, policy, word, 0) == word % (1 << 8 * length), (way, size, at)
    parts = keep(ebpf.policy(dev, result([
        *[ebpf.store(ebpf.B, -8 + n, 0x10 + n) for n in range(8)], ebpf.load(ebpf.DW, R0, FP, -8)])))
    assert both(dev, parts, 0, 0) == 0x1716151413121110
    spilled = keep(ebpf.policy(dev, [
        ebpf.store_reg(ebpf.DW, -16, R1), ebpf.mov(R1, 0), ebpf.load(ebpf.DW, R7, FP, -16),
        ebpf.load(ebpf.W, R0, R7, 0), ebpf.leave()]))
    assert ebpf.answer(dev, spilled, ANY) == ANY


# Helpers.

def test_bits(dev: int, keep: Callable[[int], int], way: str) -> None:
    seed = random.randrange(1 << 32)
    source = random.Random(seed)
    print("seed", seed)
    for room in (1, 64, 65, 1000, 1 << 20):
        bits = {source.randrange(room) for _ in range(50)} | {0, room - 1}
        table = keep(abi.table_create(dev, sorted(bits), bitmap=True, room=room))
        policy = keep(ebpf.policy(dev, result(ebpf.bit_of(0, 0)), [table]))
        asked = [*bits, *(source.randrange(room) for _ in range(50)), room, room + 1, 1 << 32,
                 1 << 63, MASK]
        for bit in asked:
            assert both(dev, policy, bit, 0) == (bit in bits), (way, room, bit)


def test_values(dev: int, keep: Callable[[int], int], way: str) -> None:
    seed = random.randrange(1 << 32)
    source = random.Random(seed)
    print("seed", seed)
    for count in (1, 5, 300):
        pairs = {source.getrandbits(64): source.getrandbits(64) for _ in range(count)}
        pairs |= {0: 1 << 63, MASK: 0}
        table = keep(abi.table_create(dev, list(pairs), list(pairs.values())))
        policy = keep(ebpf.policy(dev, result(ebpf.value_of(0, 0, 0xABCDEF0123456789)), [table]))
        for key in [*pairs, *(source.getrandbits(64) for _ in range(50))]:
            assert both(dev, policy, key, 0) == pairs.get(key, 0xABCDEF0123456789), (way, key)


def test_a_hash_without_values(dev: int, keep: Callable[[int], int]) -> None:
    table = keep(abi.table_create(dev, [5]))
    policy = keep(ebpf.policy(dev, result(ebpf.value_of(0, 0, 9)), [table]))
    assert [both(dev, policy, key, 0) for key in (5, 6)] == [0, 9]


def test_tables_by_their_index(dev: int, keep: Callable[[int], int], way: str) -> None:
    """As many as there can be, and the same one under several indices."""
    tables = [keep(abi.table_create(dev, [n], [n + 1000])) for n in range(8)] * 32
    for index in (0, 1, 7, 8, 255):
        policy = keep(ebpf.policy(dev, result(ebpf.value_of(index, 0, 0)), tables))
        assert both(dev, policy, index % 8, 0) == index % 8 + 1000, way
    assert abi.policy_info(dev, policy)["tables"] == 256


def test_what_was_before_a_call_is_after_it(dev: int, keep: Callable[[int], int], way: str) -> None:
    """Registers 6 to 9 and the stack."""
    table = keep(abi.table_create(dev, [1], [2]))
    policy = keep(ebpf.policy(dev, [
        ebpf.arg(R6, 1), ebpf.arg(R7, 2), ebpf.store_reg(ebpf.DW, -8, R6), *ebpf.value_of(0, 0, 7),
        ebpf.load(ebpf.DW, R1, FP, -8), ebpf.alu_reg(ebpf.ADD, R0, R1),
        ebpf.alu_reg(ebpf.ADD, R0, R6), ebpf.alu_reg(ebpf.ADD, R0, R7), ebpf.leave()], [table]))
    assert [ebpf.answer(dev, policy, ANY, first, 100, 1000) for first in (1, 3)] == [1202, 1207], way


def test_a_table_lives_as_long_as_its_program(dev: int, keep: Callable[[int], int]) -> None:
    table = abi.table_create(dev, [5], [6])
    policy = keep(ebpf.policy(dev, result(ebpf.value_of(0, 0, 9)), [table]))
    os.close(table)
    assert both(dev, policy, 5, 0) == 6


# Real calls.

def test_enforced(dev: int, way: str) -> None:
    """A constant errno, one by an argument, and a plain call; over fork and exec."""
    program = [
        ebpf.load(ebpf.W, R2, R1, 0), ebpf.jump(ebpf.JNE, R2, GETPPID, 2, wide=False),
        *ebpf.ret(ERRNO | EDOM), ebpf.jump(ebpf.JNE, R2, GETUID, 4, wide=False),
        ebpf.arg(R3, 0), ebpf.jump(ebpf.JNE, R3, 77, 2), *ebpf.ret(ERRNO | 5), *ebpf.ret(ALLOW)]

    def ask() -> object:
        abi.attach(dev, ebpf.policy(dev, program))
        here = [abi.raw_syscall(GETPPID), abi.raw_syscall(GETUID, 77), abi.raw_syscall(GETUID, 78)]
        pid = os.fork()
        if pid == 0:
            os._exit(abi.raw_syscall(GETPPID) == -EDOM)
        shell = subprocess.run(["sh", "-c", "echo $PPID; exec /usr/bin/python3 -c "
                                "'import os; os.getppid()'"], capture_output=True, check=False)
        return [*here, os.waitpid(pid, 0)[1], shell.returncode,
                b"OSError" in shell.stderr or b"Numerical" in shell.stderr]

    *found, status, _ = value(ask)
    # getppid(2) never fails for Python: what comes back is -1.
    assert found == [-EDOM, -5, 0, 1 << 8] and status == 0, way


def test_kills_and_unknown_actions(dev: int) -> None:
    for action in (abi.KILL_PROCESS, 0x00010000, 0x12345678):
        outcome = child.run(lambda action=action: [  # type: ignore[misc]
            abi.attach(dev, ebpf.policy(dev, ebpf.only(GETPPID, ebpf.ret(action)))),
            abi.raw_syscall(GETPPID)])
        assert outcome.signal == 31, hex(action)


def test_each_kind_in_a_stack(dev: int) -> None:
    """The strictest wins whatever its kind; among equals the newest."""
    def ask() -> object:
        abi.attach(dev, abi.simple(dev, {GETPPID: ERRNO | 1, 39: ERRNO | 2, GETUID: abi.LOG}))
        abi.attach_filter(dev, abi.verdicts({GETPPID: ERRNO | 3, 39: abi.LOG, 104: ERRNO | 6}))
        abi.attach(dev, ebpf.policy(dev, [
            ebpf.load(ebpf.W, R2, R1, 0), ebpf.jump(ebpf.JNE, R2, GETPPID, 2, wide=False),
            *ebpf.ret(ERRNO | 4), ebpf.jump(ebpf.JNE, R2, GETUID, 2, wide=False),
            *ebpf.ret(ERRNO | 5), ebpf.arg(R3, 0), ebpf.jump(ebpf.JNE, R3, 9, 2),
            *ebpf.ret(ERRNO | 7), *ebpf.ret(ALLOW)]))
        return [abi.raw_syscall(nr, arg) for nr, arg in (
            (GETPPID, 0), (39, 0), (GETUID, 0), (104, 0), (107, 9), (107, 8))]

    assert value(ask) == [-4, -2, -5, -6, -7, 0]


def test_of_each_abi(dev: int, keep: Callable[[int], int]) -> None:
    """A program sees the ABI as seccomp(2)'s do."""
    policy = keep(ebpf.policy(dev, [ebpf.load(ebpf.W, R0, R1, 4), ebpf.leave()]))
    for which in (abi.X86_64, abi.X32, abi.I386):
        assert abi.test(dev, policy, [abi.pack_call(5, abi=which)]) == [
            (abi.ARCH[which], abi.RULE_PROGRAM)]


def test_real_arguments(dev: int, keep: Callable[[int], int], way: str) -> None:
    """What a program sees of a call that is made: all six arguments."""
    words = [0x1122334455667788 + n for n in range(6)]
    insns = [*ebpf.only(GETPPID, []), ebpf.mov_reg(R6, R1)]
    for n, word in enumerate(words):
        insns += [ebpf.arg_of(R2, R6, n), *ebpf.constant(R3, word),
                  ebpf.jump_reg(ebpf.JEQ, R2, R3, 2), *ebpf.ret(ERRNO | n + 1)]
    policy = keep(ebpf.policy(dev, [*insns, *ebpf.ret(ERRNO | EDOM)]))

    def ask() -> object:
        abi.attach(dev, policy)
        found = [abi.raw_syscall(GETPPID, *words)]
        for n in range(6):
            changed = [word ^ (1 << 40 if place == n else 0) for place, word in enumerate(words)]
            found.append(abi.raw_syscall(GETPPID, *changed))
        return found

    assert value(ask) == [-EDOM, -1, -2, -3, -4, -5, -6], way


# What is known without running a program.

def test_told_beforehand(dev: int, keep: Callable[[int], int]) -> None:
    """Numbers that no argument decides are as plainly allowed as those of a bitmap."""
    bitmap = keep(abi.table_create(dev, range(0, 1024, 2), bitmap=True, room=1024))
    policy = keep(ebpf.policy(dev, [
        ebpf.load(ebpf.W, R2, R1, 0), *ebpf.table(R1, 0), ebpf.call(ebpf.TEST_BIT),
        ebpf.jump(ebpf.JEQ, R0, 0, 2), *ebpf.ret(ALLOW), *ebpf.ret(ERRNO | EDOM)], [bitmap]))
    # Of x32, bit 30 is in the number, which is outside of the bitmap.
    assert abi.policy_info(dev, policy)["allow"] == (512, 0, 512)
    by_argument = keep(ebpf.policy(dev, [
        *ebpf.only(ANY, ebpf.bit_of(0, 0)), ebpf.jump(ebpf.JEQ, R0, 0, 2), *ebpf.ret(ALLOW),
        *ebpf.ret(ERRNO | EDOM)], [bitmap]))
    assert abi.policy_info(dev, by_argument)["allow"] == (1023, 1024, 1023)


@pytest.mark.parametrize("kind", ["cbpf", "ebpf"])
def test_many_errnos(dev: int, kind: str) -> None:
    """More different ones than are told beforehand; and 512 to 516, which restart calls."""
    numbers = {nr: ERRNO | (nr + 512 - 400) for nr in range(400, 700)}
    program = [ebpf.load(ebpf.W, R0, R1, 0), ebpf.jump(ebpf.JLT, R0, 400, 5, wide=False),
               ebpf.jump(ebpf.JGE, R0, 700, 4, wide=False),
               ebpf.alu(ebpf.ADD, R0, 112, wide=False), ebpf.alu(ebpf.OR, R0, ERRNO, wide=False),
               ebpf.leave(), ebpf.go(0), *ebpf.ret(ALLOW)]
    program[1] = ebpf.jump(ebpf.JLT, R0, 400, 4, wide=False)
    program[2] = ebpf.jump(ebpf.JGE, R0, 700, 3, wide=False)
    del program[6]

    def ask() -> object:
        if kind == "ebpf":
            abi.attach(dev, ebpf.policy(dev, program))
        else:
            abi.attach_filter(dev, abi.verdicts(numbers))
        return [abi.raw_syscall(nr) for nr in range(450, 700)]

    assert value(ask) == [-(nr + 112) for nr in range(450, 700)]


# Limits.

def _straight(length: int) -> list[Insn]:
    """A program whose only way costs so much."""
    return [ebpf.mov(R0, 0)] * (length - 2) + ebpf.ret(ALLOW)


def test_instructions_at_the_limit(dev: int) -> None:
    os.close(ebpf.policy(dev, _straight(4096)))
    with pytest.raises(abi.Refused):
        ebpf.policy(dev, _straight(4097))


def test_cost_at_the_limit(dev: int, keep: Callable[[int], int]) -> None:
    """16 for a look-up, and 1 for each other instruction, on the dearest way."""
    table = keep(abi.table_create(dev, [1]))
    one = ebpf.value_of(0, 0, 0)
    start, end = [ebpf.mov_reg(R6, R1)], ebpf.ret(ALLOW)
    looks = [ebpf.mov_reg(R1, R6), *one]
    policy = keep(ebpf.policy(dev, [*start, *looks, *end], [table]))
    first = int(str(abi.policy_info(dev, policy)["cost"]))
    policy = keep(ebpf.policy(dev, [*start, *looks, *looks, *end], [table]))
    each = int(str(abi.policy_info(dev, policy)["cost"])) - first
    # An LD_IMM64 is one, though it counts as two among the instructions.
    assert each == 16 + 4
    fit = (4096 - first) // each + 1
    fill = 4096 - first - (fit - 1) * each
    os.close(ebpf.policy(dev, [*start, *looks * fit, *[ebpf.mov(R0, 0)] * fill, *end], [table]))
    with pytest.raises(abi.Refused, match="costs 4097") as caught:
        ebpf.policy(dev, [*start, *looks * fit, *[ebpf.mov(R0, 0)] * (fill + 1), *end], [table])
    assert caught.value.errno == 7


def test_what_is_slow_costs_more(dev: int, keep: Callable[[int], int]) -> None:
    """Divisions, and stores, which have a barrier behind them: 4."""
    for insn, cost in ((ebpf.mov(R0, 1), 1), (ebpf.alu(ebpf.DIV, R0, 3), 4),
                       (ebpf.alu_reg(ebpf.MOD, R0, R0, wide=False), 4), (ebpf.alu(ebpf.MUL, R0, 3), 1),
                       (ebpf.store(ebpf.B, -1, 3), 4), (ebpf.store_reg(ebpf.DW, -8, R0), 4)):
        policy = keep(ebpf.policy(dev, [ebpf.mov(R0, 1), insn, ebpf.leave()]))
        assert abi.policy_info(dev, policy)["cost"] == 2 + cost, insn


def test_cost_over_a_stack(dev: int) -> None:
    """8192, of eBPF programs and rules together."""
    def ask() -> object:
        half = ebpf.policy(dev, _straight(4096))
        abi.attach(dev, half)
        rules = [abi.Rule(7, ERRNO | 1, [abi.Cond(0, abi.EQ, n)]) for n in range(2048)]
        abi.attach(dev, abi.policy_create(dev, [abi.Section(rules=rules)]))
        return [errno_of(lambda: abi.attach(dev, ebpf.policy(dev, ebpf.ret(ALLOW)))),
                abi.raw_syscall(39) == os.getpid()]

    assert value(ask) == [ENOSPC, True]


def test_run_under_one(dev: int, keep: Callable[[int], int]) -> None:
    """A program of the system, with a look-up for each of its calls."""
    table = keep(abi.table_create(dev, [1 << 40], [1]))
    policy = keep(ebpf.policy(dev, [*ebpf.value_of(0, 5, ALLOW), ebpf.jump(ebpf.JNE, R0, 1, 2),
                                    *ebpf.ret(ERRNO | EDOM), ebpf.leave()], [table]))
    done = filtered.run(dev, [policy], ["sh", "-c", "ls / | sort | head -3 && echo done"])
    assert (done.returncode, done.stdout.split()[-1]) == (0, "done")
