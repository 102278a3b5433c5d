# SPDX-License-Identifier: LGPL-2.1-or-later
"""eBPF by hand: an assembler of one function an instruction, and policies of kind EBPF."""

import struct
from collections.abc import Sequence

import abi

KIND = 2
OFF, PRIVILEGED, ALL = range(3)
"""secmap_info.out_ebpf"""

Insn = tuple[int, int, int, int, int]
"""code, destination, source, offset, immediate"""

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP = range(11)
B, H, W, DW = 0x10, 0x08, 0x00, 0x18
SIZES = {B: 1, H: 2, W: 4, DW: 8}
ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR, MOV, ARSH = range(0x00, 0xD0, 0x10)
JA, JEQ, JGT, JGE, JSET, JNE, JSGT, JSGE, CALL, EXIT, JLT, JLE, JSLT, JSLE = range(0x00, 0xE0, 0x10)
TEST_BIT, LOOKUP = 1, 2
_IMMEDIATE, _REGISTER = 0x00, 0x08
_ALU, _ALU64, _JMP, _JMP32 = 0x04, 0x07, 0x05, 0x06
PSEUDO_MAP_FD, PSEUDO_MAP_IDX = 1, 5


def alu(op: int, to: int, value: int, *, wide: bool = True) -> Insn:
    """to = to op value."""
    return op | _IMMEDIATE | (_ALU64 if wide else _ALU), to, 0, 0, value


def alu_reg(op: int, to: int, by: int, *, wide: bool = True) -> Insn:
    """to = to op by."""
    return op | _REGISTER | (_ALU64 if wide else _ALU), to, by, 0, 0


def mov(to: int, value: int) -> Insn:
    """to = value, sign-extended."""
    return alu(MOV, to, value)


def mov_reg(to: int, by: int) -> Insn:
    """to = by."""
    return alu_reg(MOV, to, by)


def swap(to: int, bits: int, *, big: bool) -> Insn:
    """to = its lowest bits in this order of bytes."""
    return 0xD4 | (0x08 if big else 0), to, 0, 0, bits


def jump(op: int, left: int, right: int, over: int, *, wide: bool = True) -> Insn:
    """If left op right, leave out so many instructions."""
    return op | _IMMEDIATE | (_JMP if wide else _JMP32), left, 0, over, right


def jump_reg(op: int, left: int, right: int, over: int, *, wide: bool = True) -> Insn:
    """If left op right, leave out so many instructions."""
    return op | _REGISTER | (_JMP if wide else _JMP32), left, right, over, 0


def go(over: int) -> Insn:
    """Leave out so many instructions."""
    return JA | _JMP, 0, 0, over, 0


def load(size: int, to: int, base: int, offset: int) -> Insn:
    """to = *(base + offset)."""
    return 0x61 | size, to, base, offset, 0


def store(size: int, offset: int, value: int) -> Insn:
    """*(frame pointer + offset) = value."""
    return 0x62 | size, FP, 0, offset, value


def store_reg(size: int, offset: int, by: int) -> Insn:
    """*(frame pointer + offset) = by."""
    return 0x63 | size, FP, by, offset, 0


def constant(to: int, value: int) -> list[Insn]:
    """to = 64 bits."""
    return [(0x18, to, 0, 0, value & 0xFFFFFFFF), (0, 0, 0, 0, value >> 32 & 0xFFFFFFFF)]


def table(to: int, index: int) -> list[Insn]:
    """to = one of the policy's tables."""
    return [(0x18, to, PSEUDO_MAP_IDX, 0, index), (0, 0, 0, 0, 0)]


def call(helper: int) -> Insn:
    """r0 = helper(r1, r2, ...)."""
    return CALL | _JMP, 0, 0, 0, helper


def leave() -> Insn:
    """return r0."""
    return EXIT | _JMP, 0, 0, 0, 0


def ret(action: int) -> list[Insn]:
    """return action."""
    return [alu(MOV, R0, action, wide=False), leave()]


def arg_of(to: int, context: int, number: int) -> Insn:
    """to = an argument of the call."""
    return load(DW, to, context, 16 + 8 * number)


def arg(to: int, number: int) -> Insn:
    """to = an argument of the call; the context is in r1."""
    return arg_of(to, R1, number)


def only(nr: int, insns: Sequence[Insn]) -> list[Insn]:
    """For one number these instructions; all others are allowed. r0 is used."""
    return [load(W, R0, R1, 0), jump(JEQ, R0, nr, 2, wide=False), *ret(abi.ALLOW), *insns]


def bit_of(index: int, number: int) -> list[Insn]:
    """r0 = is the bit of an argument set in this bitmap?"""
    return [arg(R2, number), *table(R1, index), call(TEST_BIT)]


def value_of(index: int, number: int, otherwise: int) -> list[Insn]:
    """r0 = the value of an argument in this table."""
    return [arg(R2, number), *constant(R3, otherwise), *table(R1, index), call(LOOKUP)]


def pack(insns: Sequence[Insn]) -> abi.Memory:
    """As an array of struct bpf_insn."""
    return abi.Memory(b"".join(
        struct.pack("<BBhI", code, to | by << 4, offset, immediate & 0xFFFFFFFF)
        for code, to, by, offset, immediate in insns))


def record(insns: abi.Memory, fds: abi.Memory, log: abi.Memory, name: str = "") -> bytes:
    """For POLICY_CREATE; the caller keeps what it points to."""
    tables = len(fds.content) // 4
    return struct.pack("<8IQQQQ32sII", 104, 0, KIND, 0, 0, tables, len(log.content),
                       len(insns.content) // 8, 0, fds.address if tables else 0, insns.address,
                       log.address, name.encode(), 0, 0)


def policy(dev: int, insns: Sequence[Insn], tables: Sequence[int] = (), name: str = "") -> int:
    """A policy of kind EBPF: its descriptor."""
    log = abi.Memory(bytes(512))
    program, fds = pack(insns), abi.Memory(struct.pack(f"<{len(tables)}i", *tables))
    try:
        return abi.ioctl(dev, abi.POLICY_CREATE, record(program, fds, log, name))
    except OSError as error:
        raise abi.Refused(error.errno, log.buffer.value.decode()) from error


def read_back(dev: int, descriptor: int) -> bytes:
    """POLICY_FILTER, as bytes."""
    into = abi.Memory(bytes(8 * 4096))
    asked = bytearray(struct.pack("<IIiIQII", 32, 0, descriptor, 4096, into.address, 0, 0))
    abi.ioctl(dev, abi.POLICY_FILTER, asked)
    (count,) = struct.unpack_from("<I", asked, 24)
    return into.buffer.raw[: 8 * count]


def answer(dev: int, descriptor: int, nr: int, *args: int) -> int:
    """What TEST says of one call."""
    return abi.test(dev, descriptor, [abi.pack_call(nr, args)])[0][0]
