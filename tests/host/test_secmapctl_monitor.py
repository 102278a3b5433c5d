#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl monitor without a module: what it asks for, how it shows events, and what it refuses. A preloaded
library answers in the kernel's place."""

import errno
import fcntl
import json
import mmap
import os
import random
import re
import signal
import socket
import stat
import struct
import subprocess
import termios
from pathlib import Path
from typing import Any

import netlink_events as netlink
import pytest
from netlink_events import COMPLAIN, ERRNO, I386, KILL_PROCESS, LOG, X86_64, Kernel, event, framed
from tool import FAILURE, SUCCESS, TOOL, TOP, USAGE, error_of, validate

SHIM = Path(__file__).parent / "answering_netlink.c"
X32_BIT = 1 << 30
MINUS_1 = (1 << 64) - 1
AT_FDCWD, AT_FDCWD_32 = MINUS_1 - 99, 0xffffff9c


@pytest.fixture(name="library", scope="module")
def _library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "answering_netlink.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{TOP / 'uapi'}", "-o",
                    library, SHIM], check=True)
    return library


@pytest.fixture(name="kernel")
def _kernel(library: Path, tmp_path: Path) -> Kernel:
    return Kernel(library, tmp_path)


def shown(kernel: Kernel, *messages: bytes) -> list[str]:
    """The lines of these events."""
    done = kernel.watch("--count", str(len(messages)), messages=messages)
    assert (done.status, done.err) == (SUCCESS, ""), done
    begin, *lines = done.out.splitlines()
    assert begin == "watching all policies"
    return lines[:len(messages)]


def test_a_line_for_each_event(kernel: Kernel) -> None:
    (line,) = shown(kernel, event())
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{6} 42 nginx, policy 7: "
                        r"openat\(AT_FDCWD, 0x7ffd1000, O_RDONLY\|O_CLOEXEC\) = EPERM", line)


def test_the_time_is_that_of_the_event(kernel: Kernel) -> None:
    """As much earlier than another one as the event was made earlier."""
    lines = shown(kernel, event(time=1_000_000_000), event(time=1_250_000_000, sequence=2))
    seconds = [float(line.split()[0].split(":")[2]) for line in lines]
    assert (seconds[1] - seconds[0]) % 60 == pytest.approx(0.25, abs=0.2)


@pytest.mark.parametrize(("changes", "words"), [
    ({"tid": 43, "ns_tid": 43}, "42/43 nginx"),
    ({"ns_pid": 1, "ns_tid": 1}, "42 (1 in its namespace) nginx"),
    ({"tid": 43, "ns_pid": 1, "ns_tid": 2}, "42/43 (1/2 in its namespace) nginx"),
    ({"comm": "a\x1b[31m\nb"}, "42 a?[31m?b"),
    ({"comm": ""}, "42 "),
])
def test_processes(kernel: Kernel, changes: dict[str, Any], words: str) -> None:
    (line,) = shown(kernel, event(**changes))
    assert f" {words}, policy 7: openat(" in line


@pytest.mark.parametrize(("action", "words"), [
    (ERRNO | 13, "EACCES"), (ERRNO | 4095, "errno 4095"), (ERRNO, "errno 0"), (KILL_PROCESS, "kill_process"),
    (0, "kill_thread"), (0x30000, "trap"), (0x30007, "trap(7)"), (0x7ff00003, "trace(3)"), (LOG, "log"),
    (0x7fc00000, "user_notif"),
])
def test_verdicts(kernel: Kernel, action: int, words: str) -> None:
    (line,) = shown(kernel, event(action=action))
    assert line.endswith(f") = {words}")


def test_other_abis(kernel: Kernel) -> None:
    lines = shown(kernel, event(arch=I386, nr=5, args=(0x8000, 0x242, 0o600, 0, 0, 0)),
                  event(nr=1 | X32_BIT, args=(1, 0x10, 5, 0, 0, 0)),
                  event(arch=I386, nr=102, args=(1, 0xff00, 0, 0, 0, 0)),
                  event(arch=X86_64, nr=999, args=(1, 2, 3, 4, 5, MINUS_1)))
    assert [line.split("policy 7: ")[1] for line in lines] == [
        "open(0x8000, O_RDWR|O_CREAT|O_TRUNC, 0600) on i386 = EPERM",
        "write(1, 0x10, 5) on x32 = EPERM",
        "socketcall(SYS_SOCKET, 0xff00) on i386 = EPERM",
        "#999(0x1, 0x2, 0x3, 0x4, 0x5, 0xffffffffffffffff) = EPERM"]


def test_arguments_that_are_not_known(kernel: Kernel) -> None:
    done = kernel.watch("--json", "--count", "1", messages=[event(nr=59, args=None, action=LOG)])
    (seen,) = done.events()
    assert (seen["call"]["name"], seen["call"]["args"], seen["call"]["text"]) == ("execve", None, "execve(?)")


# By number and arguments on x86-64; the words are strace's.
DECODED: list[tuple[int, tuple[int, ...], str]] = [
    (2, (0x10, 0, 0o777), "open(0x10, O_RDONLY)"),
    (2, (0x10, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_SYNC, 0o644),
     "open(0x10, O_WRONLY|O_SYNC|O_CREAT|O_EXCL, 0644)"),
    (2, (0x10, 3 | os.O_DSYNC), "open(0x10, O_ACCMODE|O_DSYNC)"),
    (257, (AT_FDCWD_32, 0, os.O_WRONLY | os.O_TMPFILE, 0o600), "openat(AT_FDCWD, NULL, O_WRONLY|O_TMPFILE, 0600)"),
    (257, (7, 1, os.O_DIRECTORY), "openat(7, 0x1, O_RDONLY|O_DIRECTORY)"),
    (257, (7, 1, 1 << 40 | 1 << 31 | os.O_PATH), "openat(7, 0x1, O_RDONLY|O_PATH|0x80000000)"),
    (437, (MINUS_1, 1, 2, 24), "openat2(-1, 0x1, 0x2, 24)"),
    (85, (1, 0), "creat(0x1, 000)"),
    (16, (3, 0x5412, 0), "ioctl(3, 0x5412, 0x0)"),
    (72, (3, fcntl.F_SETFD, 1), "fcntl(3, F_SETFD, 0x1)"),
    (72, (3, 77, 1), "fcntl(3, 0x4d, 0x1)"),
    (21, (1, 0), "access(0x1, F_OK)"),
    (439, (AT_FDCWD, 1, os.R_OK | os.X_OK, 0x200), "faccessat2(AT_FDCWD, 0x1, R_OK|X_OK, AT_EACCESS)"),
    (262, (3, 1, 2, 0x1100), "newfstatat(3, 0x1, 0x2, AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH)"),
    (263, (AT_FDCWD, 1, 0x200), "unlinkat(AT_FDCWD, 0x1, AT_REMOVEDIR)"),
    (133, (1, stat.S_IFCHR | 0o666, 0x103), "mknod(0x1, 020666, 0x103)"),
    (165, (1, 2, 3, 1 | 2 | 4096 | 16384, 0), "mount(0x1, 0x2, 0x3, MS_RDONLY|MS_NOSUID|MS_BIND|MS_REC, NULL)"),
    (165, (1, 2, 3, 0xc0ed0020, 4), "mount(0x1, 0x2, 0x3, MS_MGC_VAL|MS_REMOUNT, 0x4)"),
    (165, (1, 2, 3, 0, 4), "mount(0x1, 0x2, 0x3, 0, 0x4)"),
    (166, (1, 2 | 8), "umount2(0x1, MNT_DETACH|UMOUNT_NOFOLLOW)"),
    (41, (socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 9),
     "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC|SOCK_NONBLOCK, 9)"),
    (41, (socket.AF_VSOCK, socket.SOCK_STREAM, 0), "socket(AF_VSOCK, SOCK_STREAM, 0)"),
    (41, (99, 7, MINUS_1), "socket(0x63, 0x7, -1)"),
    (53, (socket.AF_UNIX, socket.SOCK_DGRAM, 0, 0x20), "socketpair(AF_UNIX, SOCK_DGRAM, 0, 0x20)"),
    (56, (signal.SIGCHLD, 0, 0, 0, 0), "clone(SIGCHLD, NULL, NULL, NULL, NULL)"),
    (56, (0x10000000 | 0x20000000 | signal.SIGCHLD, 1, 2, 3, 4),
     "clone(CLONE_NEWUSER|CLONE_NEWPID|SIGCHLD, 0x1, 0x2, 0x3, 0x4)"),
    (56, (0, 0, 0, 0, 0), "clone(0, NULL, NULL, NULL, NULL)"),
    (435, (0x10, 88), "clone3(0x10, 88)"),
    (57, (), "fork()"),
    (272, (0x20000 | 0x80,), "unshare(CLONE_NEWTIME|CLONE_NEWNS)"),
    (308, (5, 0), "setns(5, 0)"),
    (308, (5, 0x40000000), "setns(5, CLONE_NEWNET)"),
    (322, (AT_FDCWD, 1, 2, 3, 0), "execveat(AT_FDCWD, 0x1, 0x2, 0x3, 0)"),
    (62, (MINUS_1, signal.SIGKILL), "kill(-1, SIGKILL)"),
    (62, (42, 0), "kill(42, 0)"),
    (234, (42, 43, 64), "tgkill(42, 43, 64)"),
    (101, (16, 42, 0, 0), "ptrace(PTRACE_ATTACH, 42, 0x0, 0x0)"),
    (101, (0x4206, 42, 0, 1), "ptrace(PTRACE_SEIZE, 42, 0x0, 0x1)"),
    (157, (38, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS, 0x1, 0x0, 0x0, 0x0)"),
    (157, (0x59616d61, 42, 0, 0, 0), "prctl(PR_SET_PTRACER, 0x2a, 0x0, 0x0, 0x0)"),
    (317, (1, 1, 0x10), "seccomp(SECCOMP_SET_MODE_FILTER, 0x1, 0x10)"),
    (321, (5, 0x10, 144), "bpf(BPF_PROG_LOAD, 0x10, 144)"),
    (9, (0, 4096, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, MINUS_1, 0),
     "mmap(NULL, 4096, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0x0)"),
    (9, (0, 1, 0, 3, 4, 0x1000), "mmap(NULL, 1, PROT_NONE, MAP_SHARED_VALIDATE, 4, 0x1000)"),
    (10, (0x1000, 1 << 32, 7), "mprotect(0x1000, 4294967296, PROT_READ|PROT_WRITE|PROT_EXEC)"),
    (111, (1, 2, 3, 4, 5, 6), "getpgrp()"),
    (250, (5, 1, 2, 3, 4), "keyctl(5, 0x1, 0x2, 0x3, 0x4)"),
    (219, (1, 2, 3, 4, 5, 6), "restart_syscall(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)"),
]


def test_calls_are_decoded(kernel: Kernel) -> None:
    lines = shown(kernel, *(event(nr=nr, sequence=index + 1, args=(*args, *[0] * (6 - len(args))))
                            for index, (nr, args, _) in enumerate(DECODED)))
    assert [line.split("policy 7: ")[1] for line in lines] == [f"{words} = EPERM" for *_, words in DECODED]


def test_what_is_not_enforced_is_told_so(kernel: Kernel) -> None:
    complaint = event({COMPLAIN: b""})
    (line,) = shown(kernel, complaint)
    assert line.endswith(" = EPERM, not enforced")
    done = kernel.watch("--json", "--count", "1", messages=[complaint])
    assert done.documents()[1]["event"]["enforced"] is False


def test_json(kernel: Kernel) -> None:
    done = kernel.watch("--json", "--count", "1", messages=[event(tid=43, ns_pid=1, ns_tid=2, rule=3)])
    assert (done.status, done.err) == (SUCCESS, "")
    begin, seen, end = done.documents()
    assert begin == {"begin": {"policy": None, "policy_name": None}}
    seen = seen["event"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", seen.pop("time"))
    assert seen == {
        "monotonic": "5.000000001", "sequence": 1, "lost": 0, "suppressed": 0, "pid": 42, "tid": 43, "ns_pid": 1,
        "ns_tid": 2, "comm": "nginx", "cgroup": "0x1234", "policy": 7, "policy_name": None,
        "call": {"nr": 257, "name": "openat", "abi": "x86_64",
                 "args": ["0xffffffffffffff9c", "0x7ffd1000", "0x80000", "0x0", "0x0", "0x0"],
                 "text": "openat(AT_FDCWD, 0x7ffd1000, O_RDONLY|O_CLOEXEC)"},
        "instruction_pointer": "0x401000",
        "action": {"name": "ERRNO", "value": ERRNO | 1, "errno": 1, "errno_name": "EPERM"},
        "enforced": True, "decided_by": "rule", "rule": 3}
    (note,) = end["end"].pop("notes")
    assert end == {"end": {"events": 1, "lost": 0, "suppressed": 0}}
    assert "open /nowhere" in note and "modprobe secmap" in note


def test_a_name_of_any_bytes(kernel: Kernel) -> None:
    done = kernel.watch("--json", "--count", "1", messages=[event(comm=b"\xff\n\"\0")])
    (seen,) = done.events()
    assert seen["comm"] == "\ufffd\n\""


def test_why_rules_are_left_out_is_said_at_the_end(kernel: Kernel) -> None:
    done = kernel.watch("--count", "1", messages=[event()])
    assert done.out.splitlines()[2:] == [
        "1 event shown, 0 lost, 0 not told of", "2 notes:",
        "    names of policies cannot be asked for: open /nowhere: there is no such device: the "
        "module is not loaded (as root: modprobe secmap)",
        "    1 event without a rule: the policy had ended, or says something else now"]


def test_losses_have_lines_of_their_own(kernel: Kernel) -> None:
    messages = [event(), event(sequence=5, lost=3), event(sequence=6, lost=3),
                event(sequence=8, lost=4, pid=1), event(sequence=9, lost=4)]
    done = kernel.watch("--count", "4", "--pid", "42", messages=messages)
    kinds = [re.sub(r".* 42 nginx.*", "event", line) for line in done.out.splitlines()]
    assert kinds[1:7] == ["event", "3 events lost: they came faster than they were read", "event", "event",
                          "1 event lost: they came faster than they were read", "event"]
    assert kinds[7] == "4 events shown, 4 lost, 0 not told of"


def test_what_policies_do_not_tell_has_lines_of_its_own(kernel: Kernel) -> None:
    messages = [event(suppressed=10), event(sequence=2, suppressed=10), event(sequence=4, lost=1, suppressed=41)]
    done = kernel.watch("--json", "--count", "3", messages=messages)
    kinds = [each.get("loss", list(each)[0]) for each in done.documents()]
    assert kinds == ["begin", {"cause": "rate", "events": 10}, "event", "event", {"cause": "socket", "events": 1},
                     {"cause": "rate", "events": 31}, "event", "end"]
    end = done.documents()[-1]["end"]
    assert (end["lost"], end["suppressed"]) == (1, 41)
    text = kernel.watch("--count", "3", messages=messages).out
    assert "31 verdicts not told of: a policy has more of them than events_rate\n" in text


@pytest.mark.parametrize(("options", "sequences"), [
    ((), [1, 2, 3, 4, 5]),
    (("--pid", "42"), [1, 2, 4]),
    (("--pid", "43", "--pid", "44"), [3, 5]),
    (("--verdict", "errno"), [1, 5]),
    (("--verdict", "kill"), [2, 3]),
    (("--verdict", "log", "--verdict", "kill"), [2, 3, 4]),
    (("--verdict", "errno", "--pid", "44"), [5]),
])
def test_filters(kernel: Kernel, options: tuple[str, ...], sequences: list[int]) -> None:
    messages = [event(), event(sequence=2, action=KILL_PROCESS), event(sequence=3, action=0, pid=43, tid=43),
                event(sequence=4, action=LOG, tid=43), event(sequence=5, pid=44, tid=42)]
    done = kernel.watch("--json", "--count", str(len(sequences)), *options, messages=messages)
    assert [each["sequence"] for each in done.events()] == sequences


@pytest.mark.parametrize(("word", "action"), [
    ("errno", ERRNO | 1), ("kill", KILL_PROCESS), ("trap", 0x30000), ("log", LOG), ("trace", 0x7ff00000),
    ("user-notif", 0x7fc00000),
])
def test_each_kind_of_verdict_has_its_word(kernel: Kernel, word: str, action: int) -> None:
    others = [each for each in (ERRNO | 2, KILL_PROCESS, 0x30000, LOG, 0x7ff00000, 0x7fc00000)
              if each >> 16 != action >> 16]
    messages = [*(event(sequence=1, action=each) for each in others), event(sequence=2, action=action)]
    done = kernel.watch("--json", "--count", "1", "--verdict", word, messages=messages)
    assert [each["sequence"] for each in done.events()] == [2]


def asked(done: Any) -> bytes:
    """The attributes of WATCH, as it was sent."""
    length, _, flags, _, _, command, version = struct.unpack_from("<IHHIIBB", done.asked)
    assert (length, flags, command, version) == (len(done.asked), 5, 1, 1)
    return bytes(done.asked[20:])


def test_what_is_asked_for(kernel: Kernel) -> None:
    assert asked(kernel.watch("--count", "1", messages=[event()])) == b""
    done = kernel.watch("--count", "1", "--policy", "4294967295", messages=[event()])
    assert asked(done) == struct.pack("<HHI", 8, 1, 4294967295)
    assert done.out.startswith("watching policy 4294967295\n")


def test_events_that_come_before_the_answer_are_shown_first(kernel: Kernel) -> None:
    messages = [event(sequence=number) for number in range(1, 6)]
    done = kernel.watch("--json", "--count", "5", messages=messages, NETLINK_EARLY="2")
    assert [each["sequence"] for each in done.events()] == [1, 2, 3, 4, 5]


def test_attributes_that_are_not_known_yet_are_passed_over(kernel: Kernel) -> None:
    later = event()[16 + 4:] + netlink.attribute(18, b"later") + netlink.attribute(200, b"")
    padded = netlink.attribute(netlink.PAD, b"") + later
    done = kernel.watch("--json", "--count", "2", messages=[framed(later), framed(padded)])
    assert (done.status, len(done.events())) == (SUCCESS, 2)


@pytest.mark.parametrize(("message", "said"), [
    *((event({kind: None}), f"attribute {kind} is missing") for kind in netlink.USUAL if kind != netlink.ARGS),
    *((event({kind: b"12345"}), f"attribute {kind} has 5 bytes") for kind in netlink.USUAL if kind != netlink.COMM),
    (event(comm=b"sixteen letters.\0"), f"attribute {netlink.COMM} has 17 bytes"),
    (event(comm=b""), f"attribute {netlink.COMM} has 0 bytes"),
    (event(comm=b"open"), f"attribute {netlink.COMM} does not end"),
    (event(pid=1 << 31), f"attribute {netlink.PID} is no id of a task"),
    (framed(event()[20:] + netlink.encoded(netlink.NR, 1)), f"attribute {netlink.NR} is there twice"),
    (framed(event()[20:] + b"\3\0\0\0"), "4 bytes at the end are no attribute"),
    (framed(event()[20:] + b"\xff\0\1\0"), "4 bytes at the end are no attribute"),
    (framed(event()[20:], command=2), "it is command 2"),
    (struct.pack("<IHHII", 18, 0, 0, 0, 0) + b"\3\1", "it is shorter than its head"),
    (event() + b"12345678", "8 bytes at the end are no message"),
])
def test_what_is_no_event_ends_it(kernel: Kernel, message: bytes, said: str) -> None:
    done = kernel.watch("--json", "--count", "2", messages=[event(), message])
    assert (done.status, len(done.events())) == (FAILURE, 1)
    document = json.loads(done.err)
    validate(document, "error")
    error = document["error"]
    assert (error["errno_name"], error["operation"], error["text"]) == ("EBADMSG", "read an event", said)


def gone(family: int) -> bytes:
    """As the kernel tells all who want to know that a family is no more."""
    payload = struct.pack("<BBH", 2, 2, 0) + netlink.attribute(1, struct.pack("<H", family))
    return struct.pack("<IHHII", 16 + len(payload), 16, 0, 0, 0) + payload


def test_a_module_that_is_unloaded_ends_it(kernel: Kernel) -> None:
    """Behind what it has told; other families may come and go."""
    done = kernel.watch("--json", messages=[event(), gone(0x2b), event(sequence=2), gone(0x2a)])
    assert done.status == FAILURE
    begin, *events, end = done.documents()
    assert "begin" in begin and [each["event"]["sequence"] for each in events] == [1, 2]
    assert end["end"]["events"] == 2
    error = json.loads(done.err)["error"]
    validate({"schema": 1, "error": error}, "error")
    assert (error["errno_name"], error["operation"]) == ("ENODEV", "watch what filters decide")
    assert error["text"] == "the module was unloaded: nothing is filtered any more"


def test_damaged_events_are_refused_or_shown(kernel: Kernel) -> None:
    """Whatever they are, the tool ends by itself."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(40):
        damaged = bytearray(event())
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(16, len(damaged))] = chance.choice([0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)])
        done = kernel.watch("--json", "--count", "2", messages=[bytes(damaged), event(sequence=2)])
        assert (done.status, done.out.count('"event"')) in ((SUCCESS, 2), (FAILURE, 0)), done


@pytest.mark.parametrize(("number", "text", "said", "hint"), [
    (errno.EPERM, "takes CAP_SYS_ADMIN", "takes CAP_SYS_ADMIN", "CAP_SYS_ADMIN in the user namespace"),
    (errno.EPERM, "", "Operation not permitted", "CAP_SYS_ADMIN in the user namespace"),
    (errno.ENOSPC, "there are too many watchers", "there are too many watchers", "end another watcher"),
    (errno.ENOMEM, "there is no memory for a watcher", "there is no memory for a watcher", ""),
    (errno.EINVAL, "integer out of range", "integer out of range", ""),
])
def test_a_refusal_is_told_in_the_modules_words(kernel: Kernel, number: int, text: str, said: str, hint: str) -> None:
    done = kernel.watch("--json", NETLINK_REFUSE=f"{number}:{text}")
    assert (done.status, done.out) == (FAILURE, "")
    error = json.loads(done.err)["error"]
    validate({"schema": 1, "error": error}, "error")
    assert (error["errno"], error["operation"], error["text"]) == (number, "watch what filters decide", said)
    assert hint in error["hint"]


def test_without_the_module_the_error_says_what_to_do(kernel: Kernel) -> None:
    done = kernel.watch("--json", NETLINK_FAMILY="none")
    error = json.loads(done.err)["error"]
    assert (done.status, error["errno_name"]) == (FAILURE, "ENOENT")
    assert "the module is not loaded" in error["text"] and "modprobe secmap" in error["hint"]


def test_a_name_needs_the_device(tmp_path: Path) -> None:
    error = error_of("--device", tmp_path / "none", "monitor", "--policy", "web")
    assert (error["errno_name"], error["operation"]) == ("ENOENT", f"open {tmp_path / 'none'}")


@pytest.mark.parametrize(("options", "said"), [
    (("--policy", "0"), "'0' is not a number from 1 to 4294967295"),
    (("--policy", "4294967296"), "'4294967296' is not a number"),
    (("--policy", ""), "--policy"),
    (("--pid", "0"), "'0' is not a number from 1 to 2147483647"),
    (("--pid", "self"), "'self' is not a number"),
    (("--verdict", "allow"), "'allow' is not one of errno, kill, trap, log, trace, user-notif"),
    (("--count", "0"), "'0' is not a number from 1 to 1000000000"),
    (("web",), "not expected: web"),
])
def test_wrong_usage(options: tuple[str, ...], said: str) -> None:
    error = error_of("monitor", *options, status=USAGE)
    assert said in error["text"] and "secmapctl monitor --help" in error["hint"]


def started(kernel: Kernel, *options: str, messages: list[bytes], **how: Any) -> "subprocess.Popen[bytes]":
    """It watches, and has shown these events."""
    process = subprocess.Popen([TOOL, "--device", "/nowhere", "monitor", *options], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=kernel.environment(messages), **how)
    assert process.stdout
    for _ in range(1 + len(messages)):
        assert process.stdout.readline().endswith(b"\n")
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(kernel: Kernel, number: signal.Signals) -> None:
    with started(kernel, messages=[event()]) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (SUCCESS, b"")
    assert out.startswith(b"1 event shown, 0 lost, 0 not told of\n")


def test_a_reader_that_goes_away_ends_it_well(kernel: Kernel) -> None:
    """At once: no event is needed for it."""
    with started(kernel, messages=[event()]) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.wait(timeout=60) == SUCCESS
        assert process.stderr.read() == b""


def test_a_reader_that_does_not_read_does_not_keep_it(kernel: Kernel) -> None:
    """Neither from ending."""
    messages = [event(sequence=number) for number in range(1, 3000)]
    with subprocess.Popen([TOOL, "--device", "/nowhere", "--json", "monitor"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=kernel.environment(messages)) as process:
        assert process.stdout
        waiting = bytearray(4)
        while struct.unpack("i", waiting)[0] < 50000:
            fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
        process.terminate()
        assert process.wait(timeout=60) == SUCCESS


def test_an_answer_that_cannot_be_written_is_a_failure(kernel: Kernel) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TOOL, "--device", "/nowhere", "monitor"], stdout=full, stderr=subprocess.PIPE,
                              check=False, timeout=60, env=kernel.environment([event()]))
    assert done.returncode == FAILURE
    assert b"write the answer: No space left on device" in done.stderr
