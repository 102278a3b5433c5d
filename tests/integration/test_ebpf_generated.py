# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random programs, 16 calls each, by each of the kernel's ways to run them: the same answers as
the interpreter of user space gives. SECMAP_PROGRAMS says how many; `make test-long` asks for
100,000."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import abi
import ebpf
import pytest

PROGRAMS = int(os.environ.get("SECMAP_PROGRAMS", "300"))
CHUNK = 2500
SETTINGS = Path("/proc/sys/net/core")
TRACING = Path("/sys/kernel/tracing")
INTERPRETER = "___bpf_prog_run"
WAYS = {"jit": ("1", "0"), "blinding": ("1", "2"), "interpreter": ("0", "0")}
"""net.core.bpf_jit_enable, net.core.bpf_jit_harden"""

_digests: dict[tuple[int, int], dict[str, int]] = {}
"""Of the first program and the seed: what each way came to."""


def _settings() -> tuple[str, ...]:
    return tuple((SETTINGS / name).read_text(encoding="ascii").strip()
                 for name in ("bpf_jit_enable", "bpf_jit_harden"))


def _set(values: tuple[str, ...]) -> None:
    for name, text in zip(("bpf_jit_enable", "bpf_jit_harden"), values, strict=True):
        (SETTINGS / name).write_text(text, encoding="ascii")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """How the kernel runs programs that are made from here on."""
    before = _settings()
    if request.param == "interpreter" and os.environ.get("SECMAP_KERNEL") == "debug":
        with pytest.raises(OSError):
            _set(WAYS[request.param])
        pytest.skip("the debug kernel always compiles")
    _set(WAYS[request.param])
    assert _settings() == WAYS[request.param]
    yield request.param
    _set(before)
    assert _settings() == before


def _interpreted(dev: int, policy: int, calls: int) -> int:
    """How often the kernel enters its interpreter while a policy is asked so many calls."""
    events, probe = TRACING / "kprobe_events", TRACING / "events/kprobes/interpreter"
    events.write_text(f"p:interpreter {INTERPRETER}\n", encoding="ascii")
    try:
        (probe / "enable").write_text("1", encoding="ascii")
        abi.test(dev, policy, [abi.pack_call(n) for n in range(calls)])
        _, hits, missed = (TRACING / "kprobe_profile").read_text(encoding="ascii").split()
        assert missed == "0"
        return int(hits)
    finally:
        (probe / "enable").write_text("0", encoding="ascii")
        events.write_text("", encoding="ascii")


def test_the_kernel_runs_them_so(dev: int, keep: Callable[[int], int], way: str) -> None:
    """All calls in its interpreter, or none; and where constants are blinded there is more to
    run."""
    program = [ebpf.load(ebpf.W, ebpf.R0, ebpf.R1, 0), ebpf.alu(ebpf.XOR, ebpf.R0, 0x12345678),
               ebpf.leave()]
    policy = keep(ebpf.policy(dev, program))
    longer = int(str(abi.policy_info(dev, policy)["insns"])) - len(program)
    assert longer > 0 if way == "blinding" else longer == 0
    if os.environ.get("SECMAP_KERNEL") == "debug":
        assert INTERPRETER not in Path("/proc/kallsyms").read_text(encoding="ascii")
    else:
        assert _interpreted(dev, policy, 100) == (100 if way == "interpreter" else 0)


@pytest.mark.parametrize("first", range(0, PROGRAMS, CHUNK))
def test_answers(stress_program: Callable[[str], str], first: int, way: str) -> None:
    # On a machine with much else to do, so many take longer than other tests.
    signal.alarm(max(signal.alarm(0), 900))
    seed = int(os.environ.get("SECMAP_SEED", "1"), 0)
    count = min(CHUNK, PROGRAMS - first)
    ended = subprocess.run([stress_program("programs"), str(seed), str(first), str(count)],
                           check=False, capture_output=True, text=True)
    print(f"seed {seed}, {way}, programs from {first} on:\n{ended.stdout}{ended.stderr}")
    assert ended.returncode == 0
    seen = {name: int(value) for name, value in map(str.split, ended.stdout.splitlines())}
    assert (seen["programs"], seen["calls"]) == (count, 16 * count)
    digests = _digests.setdefault((seed, first), {})
    digests[way] = seen["digest"]
    assert set(digests.values()) == {seen["digest"]}, digests
    # What was run is worth it.
    assert seen["opcodes"] == 113 or count < 200
    assert seen["differing"] > count // 2
    assert min(seen["with_helpers"], seen["with_stack"], seen["with_divisions"]) > count // 4
    assert seen["predicted"] > count and seen["refused"] > count // 20
    blinded = seen["run_instructions"] > 1.5 * seen["instructions"]
    assert blinded == (way == "blinding")
