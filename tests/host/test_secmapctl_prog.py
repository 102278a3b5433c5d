#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""prog check, dump and test: what is told of a classic BPF program. Needs no device."""

import random
import re
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from classic import (ALLOW, ARCH, ERRNO, I386, KILL_PROCESS, KILL_THREAD, NR, SCMP_EQ,
                     SCMP_MASKED_EQ, X32_BIT, X86_64, Insn, deny, jeq, libseccomp, load, pack, ret)
from tool import TOOL, TOP, error_of, json_of, text_of

EPERM, EINVAL, E2BIG, EDOM = 1, 22, 7, 33
GETPPID, GETPPID_I386, SOCKET, PERSONALITY = 110, 64, 41, 135
LONGEST = 4096
ALLOWED_ALL = {"x86_64": 1024, "x32": 1024, "i386": 1024}

RET_A, TAX, TXA, LD_LEN = (0x16, 0, 0, 0), (0x07, 0, 0, 0), (0x87, 0, 0, 0), (0x80, 0, 0, 0)


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    """Where a test puts its program."""
    return tmp_path / "filter.bpf"


def write(file: Path, program: Sequence[Insn] | bytes) -> Path:
    """Put a program there."""
    file.write_bytes(program if isinstance(program, bytes) else pack(program))
    return file


def check(file: Path, program: Sequence[Insn] | bytes) -> Any:
    """What `prog check` says; in words it says the same."""
    found = json_of("prog-check", "prog", "check", "--cbpf", write(file, program))
    text = text_of("prog", "check", "--cbpf", file)
    assert text.startswith(f"{file}: good\n")
    for each in found["allowed"]:
        assert re.search(rf"^{each['abi']} +{each['count']} of 1024 numbers", text, re.MULTILINE)
    return found


def refusal(file: Path, program: Sequence[Insn] | bytes) -> str:
    """Why `prog check` refuses it."""
    error = error_of("prog", "check", "--cbpf", write(file, program))
    assert error["errno"] == EINVAL
    assert error["operation"] == "check program"
    assert "prog dump" in error["hint"]
    text = str(error["text"])
    assert text.startswith(f"{file}: ")
    return text.removeprefix(f"{file}: ")


def ask(file: Path, call: str | int, *more: str) -> Any:
    """What `prog test` says; in words it says the same."""
    arguments = ("prog", "test", "--cbpf", str(file), "--call", str(call), *more)
    found = json_of("prog-test", *arguments)
    text = text_of(*arguments)
    assert f"answer     {found['action']['name']}" in text
    assert ("whatever the arguments are" in text) == found["whatever_arguments"]
    where = found["instruction"]
    assert ("a division by 0" if where is None else f"by instruction {where}\n") in text
    return found


def counts(found: Any) -> dict[str, int]:
    """Of `prog check`."""
    return {each["abi"]: each["count"] for each in found["allowed"]}


def predicted(found: Any) -> dict[str, set[int]]:
    """Of `prog dump`."""
    return {each["abi"]: {call["nr"] for call in each["calls"]} for each in found["allowed"]}


def listing(file: Path) -> str:
    """`prog dump`, without what it says above the instructions."""
    text = text_of("prog", "dump", "--cbpf", file)
    head, rest = text.split("\n", 1)
    assert head == f"{file}: {file.stat().st_size // 8} instructions of classic BPF"
    return rest


# prog check


def test_a_good_program(file: Path) -> None:
    found = check(file, deny(GETPPID))
    assert (found["source"], found["kind"], found["instructions"]) == (str(file), "cbpf", 6)
    assert [each["name"] for each in found["answers"]] == ["ERRNO", "ALLOW"]
    assert found["computes_answers"] is False
    assert counts(found) == {**ALLOWED_ALL, "x86_64": 1023}


def test_what_is_computed_and_what_depends_is_told(file: Path) -> None:
    found = check(file, [load(NR), jeq(GETPPID, 0, 2), load(16), RET_A, ret(ALLOW)])
    assert found["computes_answers"] is True
    assert counts(found) == {"x86_64": 1023, "x32": 1024, "i386": 1023}
    assert "answers    ALLOW, what it computes\n" in text_of("prog", "check", "--cbpf", file)


def test_each_answer_is_told_once(file: Path) -> None:
    found = check(file, [load(NR), jeq(1, 0, 1), ret(ALLOW), jeq(2, 0, 1), ret(ALLOW),
                         ret(KILL_THREAD)])
    assert [each["name"] for each in found["answers"]] == ["ALLOW", "KILL_THREAD"]
    assert counts(found) == {"x86_64": 2, "x32": 0, "i386": 2}


def test_the_longest_program(file: Path) -> None:
    found = check(file, [load(NR)] * (LONGEST - 1) + [ret(ALLOW)])
    assert (found["instructions"], counts(found)) == (LONGEST, ALLOWED_ALL)


def test_from_standard_input(file: Path) -> None:
    program = write(file, deny(GETPPID))
    with program.open("rb") as stdin:
        done = subprocess.run([TOOL, "prog", "check", "--cbpf", "-"], stdin=stdin, check=True,
                              capture_output=True, text=True)
    assert done.stdout.startswith("-: good\n")
    error = error_of("prog", "check", "--cbpf", "-")
    assert error["text"] == "standard input: it is empty"


REFUSED: list[tuple[Sequence[Insn], str]] = [
    ([load(NR), (0x28, 0, 0, 0), ret(ALLOW)],
     "instruction 1, opcode 0x28: seccomp(2) has no such instruction"),  # ldh
    ([(0x30, 0, 0, 0), ret(ALLOW)], "instruction 0, opcode 0x30: seccomp(2) has no such instruction"),
    ([(0x40, 0, 0, 0), ret(ALLOW)], "instruction 0, opcode 0x40: seccomp(2) has no such instruction"),
    ([(0x94, 0, 0, 3), ret(ALLOW)], "instruction 0, opcode 0x94: seccomp(2) has no such instruction"),
    ([(0x21, 0, 0, 0), ret(ALLOW)], "instruction 0, opcode 0x21: seccomp(2) has no such instruction"),
    ([(0x0D, 0, 0, 0), ret(ALLOW)], "instruction 0, opcode 0x0d: seccomp(2) has no such instruction"),
    ([(0x120, 0, 0, 0), ret(ALLOW)],
     "instruction 0, opcode 0x120: seccomp(2) has no such instruction"),
    ([load(64), ret(ALLOW)],
     "instruction 0, opcode 0x20: struct seccomp_data has no word at offset 64"),
    ([load(2), ret(ALLOW)],
     "instruction 0, opcode 0x20: struct seccomp_data has no word at offset 2"),
    ([load(0xFFFFFFFC), ret(ALLOW)],
     "instruction 0, opcode 0x20: struct seccomp_data has no word at offset 4294967292"),
    ([(0x02, 0, 0, 16), ret(ALLOW)], "instruction 0, opcode 0x02: memory slot 16 is above 15"),
    ([(0x61, 0, 0, 16), ret(ALLOW)], "instruction 0, opcode 0x61: memory slot 16 is above 15"),
    ([(0x34, 0, 0, 0), ret(ALLOW)], "instruction 0, opcode 0x34: divides by 0"),
    ([(0x64, 0, 0, 32), ret(ALLOW)],
     "instruction 0, opcode 0x64: shifts by 32, which is above 31"),
    ([(0x05, 0, 0, 1), ret(ALLOW)],
     "instruction 0, opcode 0x05: jumps over 1 instructions, but only 1 follow"),
    ([(0x05, 0, 0, 0xFFFFFFFF), ret(ALLOW)],
     "instruction 0, opcode 0x05: jumps over 4294967295 instructions, but only 1 follow"),
    ([jeq(0, 2, 0), ret(ALLOW), ret(ALLOW)],
     "instruction 0, opcode 0x15: jumps over 2 instructions, but only 2 follow"),
    ([jeq(0, 0, 255), ret(ALLOW), ret(ALLOW)],
     "instruction 0, opcode 0x15: jumps over 255 instructions, but only 2 follow"),
    ([ret(ALLOW), load(NR)], "instruction 1, opcode 0x20: the last instruction is not a return"),
    ([(0x60, 0, 0, 3), ret(ALLOW)],
     "instruction 0, opcode 0x60: memory slot 3 may not have been stored to"),
    ([load(NR), jeq(1, 1, 0), (0x02, 0, 0, 0), (0x60, 0, 0, 0), ret(ALLOW)],
     "instruction 3, opcode 0x60: memory slot 0 may not have been stored to"),
]


@pytest.mark.parametrize(("program", "why"), REFUSED)
def test_a_refusal_names_instruction_and_reason(file: Path, program: Sequence[Insn],
                                                why: str) -> None:
    assert refusal(file, program) == why
    # The instructions can be looked at all the same.
    found = json_of("prog-dump", "prog", "dump", "--cbpf", file)
    assert found["allowed"] is None
    assert found["refused"] == f"{file}: {why}"
    assert [(each["code"], each["jt"], each["jf"], each["k"]) for each in found["instructions"]] \
        == list(program)
    assert f"seccomp(2) would not take it: {file}: {why}\n" in text_of("prog", "dump", "--cbpf", file)


def test_every_reason_of_the_check_is_tried() -> None:
    source = (TOP / "module/cbpf.c").read_text(encoding="utf-8")
    reasons = re.findall(r'refuse\((?:&?place), "([^"]*)"', source)
    assert len(reasons) == 8
    said = [why for _, why in REFUSED]
    for reason in reasons:
        pattern = re.escape(reason).replace("%u", r"\d+")
        assert any(re.search(pattern, each) for each in said), reason


@pytest.mark.parametrize(("content", "number", "said"), [
    (b"", EINVAL, "it is empty"),
    (b"\x06", EINVAL, "offset 0: 1 bytes are left, and an instruction has 8"),
    (deny(GETPPID)[:-1], EINVAL, "offset 40: 7 bytes are left, and an instruction has 8"),
    (pack([ret(ALLOW)] * LONGEST) + b"\0", E2BIG,
     "offset 32768: it has more than 4096 instructions"),
    (pack([ret(ALLOW)] * (LONGEST + 1)), E2BIG, "offset 32768: it has more than 4096 instructions"),
], ids=["empty", "one byte", "truncated", "a byte too many", "an instruction too many"])
@pytest.mark.parametrize("command", [("check",), ("dump",), ("test", "--call", "read")],
                         ids=["check", "dump", "test"])
def test_what_is_no_array_of_instructions_is_refused(
        file: Path, command: tuple[str, ...], content: bytes, number: int, said: str) -> None:
    error = error_of("prog", *command, "--cbpf", write(file, content))
    assert (error["errno"], error["operation"]) == (number, "read program")
    assert str(file) in error["text"] and error["text"].endswith(said)
    assert "seccomp_export_bpf(3)" in error["hint"]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for path, name in ((tmp_path / "none", "ENOENT"), (tmp_path, "EISDIR")):
        error = error_of("prog", "check", "--cbpf", path)
        assert error["errno_name"] == name
        assert error["text"].startswith(f"{path}, offset 0: ")


# prog dump


def codes() -> dict[str, int]:
    """Every instruction of the dialect, from the module's table."""
    source = (TOP / "module/cbpf.c").read_text(encoding="utf-8")
    table = source.split("cbpf_kinds[] = {")[1].split("};")[0]
    header = Path("/usr/include/linux/bpf_common.h").read_text(encoding="ascii") + \
        Path("/usr/include/linux/filter.h").read_text(encoding="ascii")
    values = {name: int(value, 16) for name, value in
              re.findall(r"#define\s+(BPF_\w+)\s+(0x[0-9a-f]+)", header)}
    found = {}
    for name in re.findall(r"\[(BPF_[^\]]*)\]", table):
        code = 0
        for part in name.split(" | "):
            code |= values[part]
        found[name] = code
    return found


# One after the other, no way left out; what is stored is loaded.
EVERY: list[Insn] = [
    load(NR), load(ARCH), load(8), load(12), load(16), load(60),
    LD_LEN, (0x81, 0, 0, 0), (0x00, 0, 0, 7), (0x01, 0, 0, 0xFFFFFFFF),
    (0x02, 0, 0, 0), (0x03, 0, 0, 15), (0x60, 0, 0, 0), (0x61, 0, 0, 15), TAX, TXA,
    (0x04, 0, 0, 1), (0x0C, 0, 0, 0), (0x14, 0, 0, 2), (0x1C, 0, 0, 0), (0x24, 0, 0, 3),
    (0x2C, 0, 0, 0), (0x34, 0, 0, 4), (0x3C, 0, 0, 0), (0x44, 0, 0, 5), (0x4C, 0, 0, 0),
    (0x54, 0, 0, 6), (0x5C, 0, 0, 0), (0xA4, 0, 0, 7), (0xAC, 0, 0, 0), (0x64, 0, 0, 31),
    (0x6C, 0, 0, 0), (0x74, 0, 0, 1), (0x7C, 0, 0, 0), (0x84, 0, 0, 0),
    (0x05, 0, 0, 1), ret(KILL_PROCESS), load(ARCH), jeq(I386, 0, 2), load(NR),
    jeq(GETPPID_I386, 10, 11), jeq(X86_64, 0, 10), load(NR), (0x35, 8, 0, X32_BIT),
    jeq(GETPPID, 6, 0), (0x45, 0, 5, 0x10), load(16), (0x54, 0, 0, 0xF0), jeq(0x10, 2, 0),
    (0x25, 1, 0, 5), (0x1D, 0, 1, 0), ret(ERRNO | EPERM), ret(ALLOW), (0x2D, 0, 2, 0),
    (0x3D, 0, 1, 0), (0x4D, 0, 0, 0), RET_A,
]


def test_the_program_below_has_every_instruction() -> None:
    dialect = codes()
    assert len(dialect) == 41
    assert {insn[0] for insn in EVERY} == set(dialect.values())


def expected(name: str) -> str:
    """A listing that was read by a person."""
    return (Path(__file__).parent / "listings" / name).read_text(encoding="ascii")


def test_listing_of_every_instruction(file: Path) -> None:
    assert listing(write(file, EVERY)) == expected("every.expected")


def libseccomps(file: Path) -> bytes:
    """A filter of libseccomp's for two ABIs: plain rules, a value, some bits."""
    return libseccomp(file, ERRNO | EPERM, [
        (ALLOW, "read", ()), (ALLOW, "write", ()), (ALLOW, "exit_group", ()),
        (ALLOW, "personality", (0, SCMP_EQ, 0xFFFFFFFF)),
        (ALLOW, "clone", (0, SCMP_MASKED_EQ, 0x7E020000, 0)),
        (KILL_PROCESS, "ptrace", ()),
    ], also_i386=True)


def test_listing_of_a_filter_of_libseccomps(file: Path) -> None:
    libseccomps(file)
    assert listing(file) == expected("libseccomp.expected")


def test_what_is_listed_is_what_was_read(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.bpf"
    for program in (deny(GETPPID), pack(EVERY), libseccomps(file), pack([load(64)])):
        write(file, program)
        found = json_of("prog-dump", "prog", "dump", "--cbpf", file, "--output", copy)
        assert found["written_to"] == str(copy)
        assert copy.read_bytes() == program
        listed = [struct.pack("<HBBI", each["code"], each["jt"], each["jf"], each["k"])
                  for each in found["instructions"]]
        assert b"".join(listed) == program
    said = text_of("prog", "dump", "--cbpf", file, "--output", copy)
    assert said == f"{copy}: 1 instruction written\n"


def test_a_file_that_cannot_be_written_is_named(file: Path) -> None:
    for output, name in (("/nowhere/x", "ENOENT"), ("/dev/full", "ENOSPC")):
        error = error_of("prog", "dump", "--cbpf", write(file, deny(1)), "--output", output)
        assert (error["operation"], error["errno_name"]) == (f"write {output}", name)


def test_any_bytes_can_be_listed(file: Path) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    source = random.Random(seed)
    write(file, source.randbytes(8 * LONGEST))
    found = json_of("prog-dump", "prog", "dump", "--cbpf", file)
    assert len(found["instructions"]) == LONGEST
    known = set(codes().values())
    for each in found["instructions"]:
        if each["text"].startswith("unknown"):
            assert each["code"] not in known
    assert found["refused"]


def test_most_or_few_allowed_numbers(file: Path) -> None:
    write(file, deny(GETPPID))
    text = listing(file)
    assert "x86_64: 1023 of 1024 numbers allowed whatever the arguments are, all but\n" \
        "    getppid(110)\n" in text
    assert "i386: 1024 of 1024 numbers allowed whatever the arguments are\n" in text
    write(file, [load(NR), jeq(GETPPID, 0, 1), ret(ALLOW), (0x35, 0, 1, 1020), ret(ALLOW), ret(0)])
    text = listing(file)
    assert "x86_64: 5 of 1024 numbers allowed whatever the arguments are:\n" \
        "    getppid(110) #1020...#1023\n" in text


# prog test


def test_calls_of_each_abi(file: Path) -> None:
    write(file, deny(GETPPID))
    found = ask(file, "getppid")
    assert (found["action"]["errno"], found["instruction"]) == (EPERM, 4)
    assert found["whatever_arguments"] is True
    assert found["call"]["nr"] == GETPPID
    assert found == ask(file, GETPPID)
    for abi in ("i386", "x32"):
        found = ask(file, "getppid", "--abi", abi)
        assert (found["action"]["name"], found["instruction"]) == ("ALLOW", 5)
    write(file, [load(NR), jeq(GETPPID | X32_BIT, 0, 1), ret(ERRNO | EDOM), ret(ALLOW)])
    assert ask(file, "getppid", "--abi", "x32")["action"]["errno"] == EDOM
    assert ask(file, "getppid")["action"]["name"] == "ALLOW"


@pytest.mark.parametrize("index", range(6))
def test_both_halves_of_each_argument(file: Path, index: int) -> None:
    for half in (0, 4):
        write(file, [load(16 + 8 * index + half), jeq(0x80000001, 0, 1), ret(ERRNO | EDOM),
                     ret(ALLOW)])
        value = 0x80000001 << (8 * half)
        found = ask(file, "read", "--arg", f"{index}={value:#x}")
        assert found["action"]["errno"] == EDOM
        assert found["whatever_arguments"] is False
        assert found["call"]["given"] == [index]
        assert ask(file, "read")["action"]["name"] == "ALLOW"


def test_a_division_by_zero_ends_the_program(file: Path) -> None:
    write(file, [load(16), TAX, load(NR), (0x3C, 0, 0, 0), ret(ALLOW)])
    found = ask(file, "read")
    assert (found["action"]["name"], found["instruction"]) == ("KILL_THREAD", None)
    found = ask(file, "read", "--arg", "0=1")
    assert (found["action"]["name"], found["instruction"]) == ("ALLOW", 4)


def test_an_answer_that_is_computed(file: Path) -> None:
    write(file, [load(16), RET_A])
    found = ask(file, "read", "--arg", f"0={ERRNO | EDOM:#x}")
    assert (found["action"]["errno"], found["instruction"]) == (EDOM, 1)
    assert ask(file, "read", "--arg", "0=0x12345678")["action"]["value"] == 0x12345678


def test_a_refused_program_answers_nothing(file: Path) -> None:
    write(file, [load(64)])
    error = error_of("prog", "test", "--cbpf", file, "--call", "read")
    assert "has no word at offset 64" in error["text"]


def test_calls_that_are_not_there(file: Path) -> None:
    write(file, deny(GETPPID))
    error = error_of("prog", "test", "--cbpf", file, "--call", "waitpid")
    assert "no system call 'waitpid' on x86_64" in error["text"]
    assert ask(file, 4294967295)["instruction"] == 5
    error = error_of("prog", "test", "--cbpf", file, "--call", "4294967296")
    assert "32 bits" in error["text"]


def test_the_prediction_is_what_the_program_answers(file: Path) -> None:
    libseccomps(file)
    allowed = predicted(json_of("prog-dump", "prog", "dump", "--cbpf", file))
    assert allowed == {"x86_64": {0, 1, 231}, "x32": set(), "i386": {3, 4, 252}}
    assert counts(json_of("prog-check", "prog", "check", "--cbpf", file)) == \
        {abi: len(numbers) for abi, numbers in allowed.items()}
    for abi, numbers in allowed.items():
        for number in (0, 1, 3, 4, 56, 101, 120, 135, 231, 252, 1023):
            found = ask(file, number, "--abi", abi)
            plainly = found["whatever_arguments"] and found["action"]["name"] == "ALLOW"
            assert plainly == (number in numbers), (abi, number)


# prog load and run without a device


def test_without_a_device_the_error_says_what_to_do(file: Path, tmp_path: Path) -> None:
    name = str(write(file, deny(GETPPID)))
    for arguments in (("prog", "load", "--cbpf", name), ("prog", "dump", "--policy", "1"),
                      ("run", "--cbpf", name, "--", "true")):
        error = error_of("--device", tmp_path / "none", *arguments)
        assert (error["errno_name"], error["operation"]) == ("ENOENT", f"open {tmp_path / 'none'}")
        assert "modprobe secmap" in error["hint"]
