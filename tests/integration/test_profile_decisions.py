#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Under podman's profile, calls are made for real, and what was decided is read from what they
return: libseccomp, asked about the same calls, decides the same.

A test module stands behind secmap and swallows what it allows, so that exit, reboot and fork
can be called as well (tests/modules/sink)."""

import contextlib
import errno
import json
import os
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import abi
import podman
import pytest

SINK_VALUE = 0x51CA11ED
SINK_RELEASE = 0x0FF51AC5
MODULES = podman.TOP / "build/module" / os.uname().release
X32_BIT = 0x40000000
# The kernel's own trampoline makes it, on kernels that have it: nobody judges it.
URETPROBE = 335
HAS_URETPROBE = " __x64_sys_uretprobe\n" in Path("/proc/kallsyms").read_text(encoding="ascii")
HIGH = 0xDEADBEEF00000000  # what the upper half of a register may hold
RANDOM_CALLS = 20000
ASKED_CALLS = 300000
BATCH = 4096  # secmap_info.out_test_max

AUDIT_X86_64 = abi.ARCH[abi.X86_64]
AUDIT_I386 = abi.ARCH[abi.I386]

CONTAINER = [word for name in podman.CAPABILITIES
             for word in ("--capability", f"CAP_{name.upper()}")]


@dataclass(frozen=True)
class Call:
    """A call, and what the reference decides for it."""

    arch: int
    nr: int
    args: tuple[int, ...]
    action: int

    @property
    def returns(self) -> int:
        """What it must return when the sink is armed."""
        if HAS_URETPROBE and (self.arch, self.nr) == (AUDIT_X86_64, URETPROBE):
            return SINK_VALUE
        kind, data = self.action & 0xFFFF0000, self.action & 0xFFFF
        if kind in (abi.ALLOW, abi.LOG):
            return SINK_VALUE
        assert kind == abi.ERRNO, hex(self.action)
        return -min(data, 4095)

    def possible(self) -> bool:
        """int $0x80 takes 32 bits, and there are two architectures here."""
        if self.arch == AUDIT_I386:
            return all(arg <= 0xFFFFFFFF for arg in self.args)
        # The sink would take it for its release.
        return self.arch == AUDIT_X86_64 and self.args[5] & 0xFFFFFFFF != SINK_RELEASE

    def pack(self, high: int = 0) -> bytes:
        """A record of workloads/calls.c."""
        return struct.pack("<QQ6Qq", self.arch == AUDIT_I386, self.nr | high, *self.args, 0)


def reference(profile: Path, *options: str) -> list[Call]:
    """Calls worth making, with libseccomp's decisions."""
    done = subprocess.run([podman.DECISIONS, "--profile", profile, *options], check=True,
                          stdout=subprocess.PIPE)
    found = [Call(arch, nr, tuple(args), action) for nr, arch, _, *args, action, _
             in struct.iter_unpack("<IIQ6QII", done.stdout)]
    return [call for call in found if call.possible()]


@pytest.fixture(name="sink")
def _sink() -> Iterator[int]:
    """The sink, loaded behind the module, and its device."""
    subprocess.run(["insmod", MODULES / "sink.ko"], check=True)
    device = os.open("/dev/secmap-sink", os.O_WRONLY | os.O_CLOEXEC)
    yield device
    os.close(device)
    subprocess.run(["rmmod", "sink"], check=True)


@pytest.fixture(name="calls", scope="module")
def _calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return podman.compiled("calls", tmp_path_factory.mktemp("programs"))


def make(program: Path, sink: int, records: Sequence[bytes], file: Path,
         *options: str) -> list[int]:
    """Make calls under a profile and the sink; what each returned."""
    release = struct.pack("<QQ6Qq", 0, 39, 0, 0, 0, 0, 0, SINK_RELEASE, 0)
    file.write_bytes(b"".join(records) + release)
    with subprocess.Popen(podman.held([str(program), str(file)], *options), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as caller:
        assert caller.stdout and caller.stdin
        os.write(sink, caller.stdout.readline())
        with contextlib.suppress(BrokenPipeError):  # it has read the sink's arrival instead
            caller.stdin.write(b"\n")
            caller.stdin.close()
    assert caller.returncode == 0
    content = file.read_bytes()
    results = [result for *_, result in struct.iter_unpack("<QQ6Qq", content)]
    assert results.pop() == SINK_VALUE
    # The kernel widens what an i386 call returns; the register holds 32 bits.
    return [result - (1 << 32) if 0x80000000 <= result < 1 << 32 else result for result in results]


def differences(made: Sequence[Call], results: Sequence[int]) -> list[str]:
    """Where a call did not return what the reference decides; the first few in words."""
    return [f"arch {call.arch:#x} nr {call.nr:#x} args {[hex(arg) for arg in call.args]}: "
            f"{result}, expected {call.returns}"
            for call, result in zip(made, results, strict=True) if result != call.returns]


@pytest.mark.parametrize("high", [0, HIGH], ids=["plain", "garbage-above-the-number"])
def test_every_call_is_decided_as_by_libseccomp(calls: Path, sink: int, tmp_path: Path,
                                                high: int) -> None:
    made = reference(podman.PROFILE, *CONTAINER, "--calls", str(RANDOM_CALLS))
    numbers = Counter((call.arch, call.nr) for call in made)
    for nr in [*range(471), *range(511, 549), 1023, 1024, 0x3FFFFFFF, 0x80000000, 0xFFFFFFFF]:
        assert numbers[AUDIT_X86_64, nr] and numbers[AUDIT_I386, nr], nr
        assert nr >= 1100 or numbers[AUDIT_X86_64, nr | X32_BIT], nr
    results = make(calls, sink, [call.pack(high) for call in made], tmp_path / "calls")
    wrong = differences(made, results)
    assert not wrong, f"{len(wrong)} of {len(made)}:\n" + "\n".join(wrong[:10])
    kinds = Counter(results)
    assert kinds.keys() == {SINK_VALUE, -errno.EPERM, -errno.ENOSYS, -errno.EINVAL}
    print(f"{len(made)} calls made, {kinds[SINK_VALUE]} of them allowed: as libseccomp decides")


def test_a_container_with_every_capability_is_held_as_by_libseccomp(
        calls: Path, sink: int, tmp_path: Path) -> None:
    capabilities = json.loads(subprocess.run(
        ["secmapctl", "--json", "policy", "check", "--cap", "all", podman.PROFILE], check=True,
        stdout=subprocess.PIPE).stdout)["check"]["source"]["capabilities"]
    options = [word for name in capabilities for word in ("--capability", name)]
    made = reference(podman.PROFILE, *options, "--calls", str(RANDOM_CALLS // 4))
    results = make(calls, sink, [call.pack() for call in made], tmp_path / "calls", "--cap", "all")
    assert not differences(made, results)[:10]


def test_the_sink_tells_allowed_from_denied(calls: Path, sink: int, tmp_path: Path) -> None:
    # An exit that is allowed ends nobody; else all of the above would show nothing.
    made = [Call(AUDIT_X86_64, nr, (0,) * 6, action) for nr, action in (
        (231, abi.ALLOW), (57, abi.ALLOW), (169, abi.ALLOW), (246, abi.ERRNO | errno.EPERM),
        (425, abi.ERRNO | errno.ENOSYS))]
    results = make(calls, sink, [call.pack() for call in made], tmp_path / "calls")
    assert results == [SINK_VALUE] * 3 + [-errno.EPERM, -errno.ENOSYS]


def test_the_module_answers_as_libseccomp(dev: int, keep: Callable[[int], int],
                                          tmp_path: Path) -> None:
    # Without making the calls: also those of foreign architectures, and 64 bits to i386.
    asked = subprocess.run(
        [podman.DECISIONS, "--profile", podman.PROFILE, *CONTAINER, "--calls", str(ASKED_CALLS)],
        check=True, stdout=subprocess.PIPE).stdout
    with subprocess.Popen(podman.held(["cat"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          bufsize=0) as holder:
        assert holder.stdin and holder.stdout
        holder.stdin.write(b"\n")
        holder.stdout.readline()
        (ident,) = abi.task_ids(dev, holder.pid)
        policy = keep(abi.ioctl(dev, abi.POLICY_BY_ID, struct.pack("<4I", 16, 0, ident, 0)))
        holder.stdin.close()
    verdicts = bytearray()
    for begin in range(0, len(asked), BATCH * 72):
        batch = asked[begin:begin + BATCH * 72]
        calls = [batch[at:at + 64] for at in range(0, len(batch), 72)]
        for action, rule in abi.test(dev, policy, calls):
            verdicts += struct.pack("<II", action, rule)
    (tmp_path / "verdicts").write_bytes(verdicts)
    done = subprocess.run([podman.DECISIONS, "--verdicts", tmp_path / "verdicts"], input=asked,
                          check=False, stdout=subprocess.PIPE)
    assert done.returncode == 0, done.stdout.decode()
    print(done.stdout.decode())
