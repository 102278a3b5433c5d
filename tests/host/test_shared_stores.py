# SPDX-License-Identifier: LGPL-2.1-or-later
"""An allowed call stores nothing that another processor could be reading: told from the module's
code as it was compiled, for a clock tells it only on the machine that it runs on."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]

# All that decides about a call, of whatever policy.
FUNCTIONS = ("sys_enter", "judge_program", "judge", "secmap_stack_judge_older", "secmap_rules_eval_at",
             "secmap_stack_begins_phase", "secmap_phase_begins", "helper_test_bit", "helper_lookup",
             "secmap_live_get")
OBSERVED = "secmap_observe"
# Beyond these: the program, which cannot store (verify.c; classic BPF never could), or the look-up
# of a BPF map of the kernel's, under its lock for readers, which counts in the task; what a
# supervisor's permit, or late work, has on the task's own carrier; what does not allow the call; what
# begins a phase, which the kernel is then told to see to; and, for who has asked for it, what a
# recorder stores of a call that it has not seen yet, and what counts, on lines of the processor's own.
BEYOND = {"__x86_indirect_thunk_*", "__rcu_read_lock", "__rcu_read_unlock",
          "secmap_verdict_permitted", "secmap_verdict_apply", "secmap_carrier_later",
          "secmap_verdict_phase", "judge_again", OBSERVED, "__fentry__", "__stack_chk_fail"}
_SKIP = re.compile(r"movq \$0xffffffffffffffff,0x78\(")
"""orig_ax := -1: from here on the call is not allowed"""


@dataclass(frozen=True)
class Insn:
    """One instruction; `to` is a place in the same function, or the name of something else."""

    text: str
    to: int | str | None = None


Code = Mapping[int, Insn]


def _target(text: str, symbol: str | None, functions: Mapping[int, str], within: range) -> int | str | None:
    if not re.match(r"j|call", text):
        return None
    if symbol:
        return re.sub(r"(thunk)_r\w+$", r"\1_*", symbol) if "indirect" in symbol else symbol
    if place := re.match(r"\S+ ([0-9a-f]+) <", text):
        number = int(place[1], 16)
        return number if number in within else functions.get(number, text)
    return text


def read(listing: str) -> dict[str, Code]:
    """What objdump -dr printed, by function."""
    starts = {int(found[1], 16): found[2].partition(".")[0]
              for found in re.finditer(r"^([0-9a-f]+) <([\w.]+)>:$", listing, re.MULTILINE)}
    read_so_far: dict[str, Code] = {}
    for part in listing.split("\n\n"):
        head, _, rest = part.strip().partition(":\n")
        if not (name := re.fullmatch(r"[0-9a-f]+ <([\w.]+)>", head)):
            continue
        lines: list[tuple[int, str, str | None]] = []
        for line in rest.splitlines():
            if moved := re.search(r"R_X86_64_(?:PLT32|PC32)\t([\w.]+?)(?:[-+]0x\w+)?$", line):
                lines[-1] = (*lines[-1][:2], moved[1])
            elif (found := re.match(r"\s*([0-9a-f]+):\t(.*)", line)) and not "R_X86" in line:
                lines.append((int(found[1], 16), " ".join(found[2].split()), None))
        within = range(lines[0][0], lines[-1][0] + 1)
        read_so_far[name[1].partition(".")[0]] = {
            at: Insn(text, _target(text, symbol, starts, within)) for at, text, symbol in lines}
    return read_so_far


def _allowed(code: Code) -> list[Insn]:
    """What may be executed before it is known that the call is not allowed."""
    places = sorted(code)
    following = dict(zip(places, places[1:]))
    todo, seen = [places[0]], set()
    while todo:
        at = todo.pop()
        if at in seen or _SKIP.match(code[at].text):
            continue
        seen.add(at)
        insn = code[at]
        if isinstance(insn.to, int):
            todo.append(insn.to)
        if not re.match(r"(jmp|ret|ud2)", insn.text) and at in following:
            todo.append(following[at])
    return [code[at] for at in sorted(seen)]


# Reads its last operand, and does not write it.
_READS = re.compile(r"(cmp|test|bt|lea|j|call|nop|data16|cs nop|prefetch|push|lfence|ret|ud2)[a-z]*\b")
_PRIVATE = re.compile(r"%gs:|-?(0x\w+)?\(%r[sb]p(,%\w+,\d)?\)")


def stores(insn: Insn) -> bool:
    """Does it write memory that is neither the stack nor the processor's own?"""
    text = insn.text.partition(" #")[0].strip()
    if re.match(r"(lock|rep|xchg .*\(|xadd|cmpxchg|stos|movs[bwlq] |ins|outs|bt[src])", text):
        return True
    operands = text.partition(" ")[2]
    depth = re.sub(r"\([^)]*\)", lambda found: found[0].replace(",", ";"), operands).split(",")
    last = depth[-1].replace(";", ",")
    if _READS.match(text) or not ("(" in last or re.match(r"%\ws:|0x\w+$|[0-9a-f]+$", last)):
        return False
    return not _PRIVATE.match(last)


def faults(functions: Mapping[str, Code], names: Sequence[str] = FUNCTIONS) -> list[str]:
    """Stores of the allowed way, and ways that lead where nobody has looked."""
    found = []
    for name in names:
        for insn in _allowed(functions[name]):
            if stores(insn):
                found.append(f"{name}: {insn.text}")
            if isinstance(insn.to, str) and insn.to not in {*names, *BEYOND, "__x86_return_thunk"}:
                found.append(f"{name}: {insn.text} leads to {insn.to}")
    return found


@cache
def _module(kernel: str) -> Mapping[str, Code]:
    built = subprocess.run([TOP / "tests/guest/module.py", kernel], check=True, stdout=subprocess.PIPE, text=True)
    return read(subprocess.run(
        ["objdump", "-dr", "--no-show-raw-insn", Path(built.stdout.strip()) / "secmap.ko"],
        check=True, stdout=subprocess.PIPE, text=True).stdout)


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_an_allowed_call_stores_nothing_shared(kernel: str) -> None:
    functions = _module(kernel)
    assert faults(functions) == []
    # It has been walked: the test of the bitmap, and both ends.
    way = [insn.text for insn in _allowed(functions["sys_enter"])]
    assert len(way) > 60 and any(text.startswith("bt %rax,(") for text in way)


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_no_function_is_called_for_a_plainly_allowed_call(kernel: str) -> None:
    """Nor does the hook's frame cost a store: all that a bitmap allows is in registers."""
    way = _allowed(_module(kernel)["sys_enter"])
    assert not [insn.text for insn in way if re.match(r"(call|push)", insn.text)]
    assert not [insn.text for insn in way if "(%rsp)" in insn.text]


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_counting_is_out_of_the_way(kernel: str) -> None:
    """Only what is judged the long way asks whether it is counted, and that once: it reads a byte."""
    functions = _module(kernel)
    asking = [name for name, code in functions.items() for insn in code.values() if insn.to == OBSERVED]
    assert asking == ["judge"]
    for name in (*FUNCTIONS, "judge_again"):
        assert not [insn.text for insn in functions[name].values() if "stats" in insn.text], name


@pytest.mark.parametrize("text", [
    "mov %rax,0x8(%rdi)", "movq $0x1,(%rdx)", "incl 0x0(%rip)", "incq (%rax)", "add %rax,0x8(%rsi)",
    "lock incl (%rax)", "lock cmpxchg %rcx,(%rdx)", "xchg %rax,(%rdi)", "mov %eax,0x0(,%rdx,8)",
    "mov %ax,0x10(%rax,%rcx,4)", "sete 0x3(%rdi)", "rep stos %rax,%es:(%rdi)", "bts %rax,(%r8)",
    "mov %rax,0x0", "andb $0x7f,0x28(%rdi)", "mov %rax,0x8(%rdi) # 5a6c <sys_enter+0xc>",
])
def test_a_store_is_seen(text: str) -> None:
    assert stores(Insn(text))


@pytest.mark.parametrize("text", [
    "mov 0x8(%rdi),%rax", "cmp %rax,0x10(%rdi)", "testb $0x2,0x10(%rax)", "bt %rax,(%r8)",
    "mov %rax,0x8(%rsp)", "mov %rax,%gs:0x0", "incl %gs:0x0(%rip)", "push %rbx", "lea 0x1(%rax),%rcx",
    "and (%rdx),%rdi", "nopw 0x0(%rax,%rax,1)", "movzbl 0x180(%r8,%rax,1),%eax", "sub $0x40,%rsp",
    "and $0x3ff,%ecx", "jmp 5509 <sys_enter+0x69>", "movswq 0x580(%r8,%rax,2),%rax",
])
def test_what_is_no_store_is_none(text: str) -> None:
    assert not stores(Insn(text))


LISTING = """
0000000000000010 <sys_enter>:
  10:\tmov    %rax,%rdx
  13:\tjne    20 <sys_enter+0x10>
  15:\tjmp    1a <sys_enter+0xa>
\t\t\t16: R_X86_64_PLT32\t__x86_return_thunk-0x4
  1a:\tmovq   $0xffffffffffffffff,0x78(%rsi)
  20:\t{}
  24:\tjmp    1a <sys_enter+0xa>
"""


@pytest.mark.parametrize("text,found", [
    ("cmp    %rax,(%rdi)", []),
    ("mov    %rax,(%rdi)", ["sys_enter: mov %rax,(%rdi)"]),
    ("call   29 <other>", ["sys_enter: call 29 <other> leads to call 29 <other>"]),
])
def test_the_way_is_walked(text: str, found: list[str]) -> None:
    """Behind a jump, too; and not beyond the denial."""
    assert faults(read(LISTING.format(text)), ["sys_enter"]) == found
