#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl notify: what is asked about, who answers, and what is shown."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import ASK, GETPGRP, PYTHON, Helper, notify, shown
from tool import CANNOT_EXECUTE, FAILURE, PODMAN, SUCCESS, TOOL, error_of, validate

NOBODY = 65534
EPERM, EACCES, ENOSYS, EFAULT = 1, 13, 38, 14
GETPGRP_I386, SOCKETCALL = 65, 102


@pytest.fixture(name="profile")
def _profile(tmp_path: Path) -> Callable[..., Path]:
    """A profile that allows everything but what is said."""
    def write(*entries: dict[str, Any], **more: Any) -> Path:
        path = tmp_path / "profile.json"
        document = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(entries), **more}
        path.write_text(json.dumps(document), encoding="ascii")
        return path
    return write


def entry(action: str, *names: str, **more: Any) -> dict[str, Any]:
    """One of a profile."""
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **more}


@pytest.mark.parametrize(("answer", "returned", "words"), [
    ("errno:EPERM", -EPERM, "errno:EPERM"), ("errno:13", -EACCES, "errno:EACCES"),
    ("errno:4095", -4095, "errno:4095"), ("value:0", 0, "value:0"),
    ("value:0x123456789", 0x123456789, "value:4886718345"),
    ("value:-5000", -5000, "value:-5000"),
])
def test_a_rule_answers(call: tuple[str, ...], answer: str, returned: int, words: str) -> None:
    done = notify("--on", "getpgrp", "--answer", f"getpgrp={answer}",
                  program=[*call, str(GETPGRP), "1", "2", "0xffffffffffffffff"])
    assert (done.returncode, done.stdout) == (SUCCESS, f"{returned}\n")
    assert re.fullmatch(r"secmapctl: \d+ getpgrp\(0x1, 0x2, 0xffffffffffffffff, 0x0, 0x0, 0x0\) "
                        rf"on x86_64: {words} by rule\n", done.stderr)


def test_continue_makes_the_call(call: tuple[str, ...]) -> None:
    done = notify("--on", "getpgrp", "--answer", "getpgrp=continue", program=[*call, str(GETPGRP)])
    assert (done.returncode, done.stdout) == (SUCCESS, f"{os.getpgrp()}\n")
    assert done.stderr.endswith("on x86_64: continue by rule\n")


def test_nobody_answers(call: tuple[str, ...]) -> None:
    done = notify("--on", "getpgrp", program=[*call, str(GETPGRP)])
    assert done.stdout == f"-{ENOSYS}\n"
    assert done.stderr.endswith(": errno:ENOSYS by nobody\n")


def test_the_rest_has_a_rule(call: tuple[str, ...]) -> None:
    script = f"for n in {GETPGRP} 124; do '{call[0]}' syscall $n; done"
    done = notify("--json", "--on", "getpgrp,getsid", "--answer", "*=value:7", "--answer",
                  "getsid=value:8", program=["sh", "-c", script])
    assert done.stdout == "7\n8\n"
    assert [each["answer"] for each in shown(done.stderr)] == [{"value": 7}, {"value": 8}]


@pytest.mark.parametrize(("answer", "status", "mounted"), [
    ("errno:EACCES", 32, False), ("value:0", 0, False), ("continue", 0, True),
])
def test_mounts(tmp_path: Path, profile: Callable[..., Path], answer: str, status: int,
                mounted: bool) -> None:
    """The profile denies mount; those who supervise decide instead. All else is as it says."""
    place = tmp_path / "place"
    place.mkdir()
    path = profile(entry("ERRNO", "mount", "sethostname"))
    script = f"mount -n -i -t tmpfs none {place}; s=$?; hostname elsewhere; exit $s"
    done = notify("--profile", path, "--on", "mount,mknod", "--answer", f"mount={answer}",
                  program=["sh", "-c", script])
    really = os.path.ismount(place)
    if really:
        subprocess.run(["umount", place], check=True)
    assert (done.returncode, really) == (status, mounted)
    assert f" on x86_64: {answer} by rule\n" in done.stderr
    assert "hostname: you must be root" in done.stderr
    assert os.uname().nodename != "elsewhere"


def test_podmans_profile_holds_beside(call: tuple[str, ...]) -> None:
    swapon, personality = 167, 135
    done = notify("--profile", PODMAN, "--on", "getpgrp", "--answer", "getpgrp=value:1",
                  program=["sh", "-c", f"for n in {GETPGRP} {swapon} '{personality} 0x40000' 999; do "
                                       f"'{call[0]}' syscall $n; done"])
    assert done.stdout.split() == ["1", f"-{EPERM}", f"-{ENOSYS}", f"-{ENOSYS}"]


def test_conditions_of_the_profile_are_replaced_too(call: tuple[str, ...],
                                                    profile: Callable[..., Path]) -> None:
    path = profile(entry("ERRNO", "getpgrp", args=[{"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}]))
    script = f"for n in 4 5; do '{call[0]}' syscall {GETPGRP} $n; done"
    done = notify("--profile", path, "--on", "getpgrp", "--answer", "*=value:9",
                  program=["sh", "-c", script])
    assert done.stdout == "9\n9\n"


def test_a_profile_may_ask_itself(call: tuple[str, ...], profile: Callable[..., Path]) -> None:
    path = profile(entry("NOTIFY", "getpgrp", args=[{"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}]))
    script = f"for n in 4 5; do '{call[0]}' syscall {GETPGRP} $n; done"
    done = notify("--profile", path, "--answer", "getpgrp=value:9", program=["sh", "-c", script])
    assert done.stdout.split() == [str(os.getpgrp()), "9"]
    assert done.stderr.count("getpgrp(") == 1


# Between the attachment and the program there is no call that a profile could deny.
@pytest.mark.parametrize("how", ["denied", "asked"])
def test_no_call_is_needed_to_start(call: tuple[str, ...], profile: Callable[..., Path],
                                    how: str) -> None:
    names = ["sendmsg", "sendto", "recvmsg", "close", "close_range", "ioctl", "fcntl", "futex", "dup",
             "dup2", "dup3", "munmap", "mmap", "clone", "prctl", "rt_sigprocmask", "rt_sigaction",
             "pidfd_getfd", "poll", "ppoll", "getpid", "gettid", "pipe2", "writev"]
    options: list[str | Path] = ["--on", "getpgrp"]
    if how == "denied":
        options += ["--profile", profile(entry("KILL_PROCESS", *names))]
    else:
        options = ["--on", ",".join(["getpgrp", *names]), "--answer", "*=continue"]
    done = notify(*options, "--answer", "getpgrp=value:3", program=[*call, str(GETPGRP)])
    assert (done.returncode, done.stdout) == (SUCCESS, "3\n"), done


def test_execve_can_be_asked_about(call: tuple[str, ...]) -> None:
    done = notify("--on", "execve", "--answer", "execve=continue", program=[*call, "39"])
    assert done.returncode == SUCCESS
    assert re.fullmatch(r"secmapctl: \d+ execve\(.*continue by rule\n", done.stderr)
    refused = notify("--json", "--on", "execve", "--answer", "execve=errno:EPERM",
                     program=[*call, "39"])
    assert (refused.returncode, refused.stdout) == (CANNOT_EXECUTE, "")
    asked, error = shown(refused.stderr)
    assert asked["call"]["name"] == "execve"
    assert error["errno_name"] == "EPERM" and "execve" in error["hint"]


def test_json(call: tuple[str, ...]) -> None:
    done = notify("--json", "--on", "getpgrp", "--answer", "getpgrp=errno:EPERM",
                  program=[*call, str(GETPGRP), "0x10"])
    (asked,) = shown(done.stderr)
    assert asked["call"] == {"nr": GETPGRP, "name": "getpgrp", "abi": "x86_64",
                             "args": ["0x10", *["0x0"] * 5]}
    assert int(asked["instruction_pointer"], 16) > 0 and asked["pid"] > 1
    assert (asked["answer"], asked["by"]) == ({"errno": "EPERM"}, "rule")


@pytest.mark.parametrize("name", ["call", "call32"])
def test_int80(program: Callable[[str], str], name: str) -> None:
    """The same name has another number there; calls of a multiplexer are calls, too."""
    made = f"'{program(name)}' int80"
    script = f"{made} {GETPGRP_I386} 0x1; {made} {SOCKETCALL} 1 8; {made} {SOCKETCALL} 2 8"
    done = notify("--json", "--on", "getpgrp,socket", "--answer", "getpgrp=value:6", "--answer",
                  "socket=value:5", program=["sh", "-c", script])
    assert done.stdout.split() == ["6", "5", f"-{EFAULT}"]
    group, sock = shown(done.stderr)
    assert (group["call"]["abi"], sock["call"]["abi"]) == ("i386", "i386")
    assert (group["call"]["nr"], group["call"]["name"]) == (GETPGRP_I386, "getpgrp")
    assert (sock["call"]["name"], sock["call"]["args"][0]) == ("socketcall", "0x1")


def test_socketcall_that_a_profile_allows_in_parts(program: Callable[[str], str],
                                                   profile: Callable[..., Path]) -> None:
    """What is not asked about is as it was."""
    path = profile(entry("ERRNO", "bind", errnoRet=EACCES), architectures=["SCMP_ARCH_X86"])
    made = f"'{program('call')}' int80 {SOCKETCALL}"
    done = notify("--profile", path, "--on", "socket", "--answer", "socket=value:5",
                  program=["sh", "-c", f"for n in 1 2 3; do {made} $n 8; done"])
    assert done.stdout.split() == ["5", f"-{EACCES}", f"-{EFAULT}"]


def test_an_abi_that_the_profile_does_not_name_stays_denied(program: Callable[[str], str],
                                                           profile: Callable[..., Path]) -> None:
    done = notify("--profile", profile(), "--on", "getpgrp", "--answer", "*=value:1",
                  program=[program("call"), "int80", str(GETPGRP_I386)])
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGSYS, "", "")


def test_a_file_for_requests(tmp_path: Path, call: tuple[str, ...]) -> None:
    path = tmp_path / "requests"
    path.write_text("older", encoding="ascii")
    done = notify("--json", "--output", path, "--on", "getpgrp", program=[*call, str(GETPGRP)])
    assert (done.stdout, done.stderr) == (f"-{ENOSYS}\n", "")
    (asked,) = shown(path.read_text(encoding="ascii"))
    assert asked["by"] == "nobody"


def test_a_full_file_is_told_once_and_stops_nobody(call: tuple[str, ...]) -> None:
    script = f"for n in 1 2; do '{call[0]}' syscall {GETPGRP}; done"
    done = notify("--output", "/dev/full", "--on", "getpgrp", "--answer", "*=value:2",
                  program=["sh", "-c", script])
    assert (done.returncode, done.stdout) == (SUCCESS, "2\n2\n")
    assert done.stderr.startswith("secmapctl: write /dev/full: No space left on device")
    assert done.stderr.count("\n") == 1


def test_a_helper_answers(helper: Callable[[str], Helper], call: tuple[str, ...]) -> None:
    answers = helper("""
for asked in requests():
    reply(asked, **{1: {"errno": "EPERM"}, 2: {"errno": 13}, 3: {"value": 70}, 4: {"value": "-0x10"},
                    5: {"continue": True}, 6: {"value": -1 << 63}}[first(asked)])
""")
    script = f"for n in 1 2 3 4 5 6; do '{call[0]}' syscall {GETPGRP} $n; done; exit 3"
    done = notify("--json", "--on", "getpgrp", "--helper", answers.path,
                  program=["sh", "-c", script])
    *fixed, group, least = done.stdout.split()
    assert fixed == [f"-{EPERM}", f"-{EACCES}", "70", "-16"]
    assert (group, least, done.returncode) == (str(os.getpgrp()), str(-1 << 63), 3)
    said = shown(done.stderr)
    asked = answers.requests()
    assert [each["by"] for each in said] == ["helper"] * 6
    assert [each["id"] for each in said] == [each["id"] for each in asked]
    assert [each["call"] for each in said] == [each["call"] for each in asked]


def test_replies_are_what_the_schema_says() -> None:
    for good in ({"id": "0x1", "errno": "EPERM"}, {"id": "0x1", "value": "-0x10"},
                 {"id": "0x1", "continue": True}):
        validate(good, "notify-reply")
    for bad in ({"errno": "EPERM"}, {"id": "0x1"}, {"id": 1, "value": 0},
                {"id": "0x1", "value": 0, "continue": True}, {"id": "0x1", "continue": False}):
        with pytest.raises(Exception, match="is not valid under any"):
            validate(bad, "notify-reply")


def test_threads_wait_side_by_side_and_are_answered_in_any_order(
        helper: Callable[[str], Helper]) -> None:
    count = 8
    answers = helper(f"""
held = []
for asked in requests():
    held.append(asked)
    if len(held) == {count}:
        for each in reversed(held):
            reply(each, value=first(each) + 100)
""")
    code = ASK + f"""
import threading
found = {{}}
threads = [threading.Thread(target=lambda n=n: found.update({{n: ask({GETPGRP}, n)}}))
           for n in range({count})]
for thread in threads: thread.start()
for thread in threads: thread.join()
print([found[n] for n in range({count})])
"""
    done = notify("--json", "--on", "getpgrp", "--helper", answers.path,
                  program=[PYTHON, "-c", code])
    assert json.loads(done.stdout) == [n + 100 for n in range(count)]
    assert len({each["pid"] for each in shown(done.stderr)}) == count


TWO = f"for n in 1 2; do '%s' syscall {GETPGRP} $n; done"


@pytest.mark.parametrize(("body", "returned", "said"), [
    # It ends: before the first request, with it, after it, by a signal.
    ("sys.exit(3)", ["-38", "-38"], "it has ended with status 3"),
    ("for asked in requests(): sys.exit(0)", ["-38", "-38"], "it has ended with status 0"),
    ("for asked in requests(): reply(asked, value=1); sys.exit(4)", ["1", "-38"],
     "it has ended with status 4"),
    ("for asked in requests(): os.kill(os.getpid(), 9)", ["-38", "-38"], "it has ended by signal 9"),
    # It lives, and nothing can come any more.
    ("for asked in requests(): os.close(1); time.sleep(1000)", ["-38", "-38"],
     "it has closed its standard output"),
    # It names no request.
    ("for asked in requests(): say('hello')", ["-38", "-38"],
     "not a JSON object with the id of a request: hello"),
    ("for asked in requests(): say('\\x1b[2J\\u00e9')", ["-38", "-38"], "request: ?[2J"),
    ("for asked in requests(): say('')", ["-38", "-38"], "not a JSON object"),
    ("for asked in requests(): say('[1]')", ["-38", "-38"], "not a JSON object"),
    ("for asked in requests(): say('{}')", ["-38", "-38"], "not a JSON object"),
    ("for asked in requests(): say(json.dumps({'id': 1, 'value': 1}))", ["-38", "-38"],
     "not a JSON object with the id"),
    ("for asked in requests(): say(json.dumps({'id': 'x', 'value': 1}))", ["-38", "-38"],
     "not a JSON object with the id"),
    ("for asked in requests(): say('[' * 60000)", ["-38", "-38"], "not a JSON object"),
    ("for asked in requests(): print('x' * 200000, end='', flush=True); time.sleep(1000)",
     ["-38", "-38"], "a line of more than 65536 bytes"),
])
def test_a_helper_that_fails_is_not_asked_any_more(helper: Callable[[str], Helper],
                                                   call: tuple[str, ...], body: str,
                                                   returned: list[str], said: str) -> None:
    done = notify("--on", "getpgrp", "--helper", helper(body).path,
                  program=["sh", "-c", TWO % call[0]])
    assert (done.returncode, done.stdout.split()) == (SUCCESS, returned)
    assert said in done.stderr
    assert done.stderr.count("it is not asked any more") == 1
    assert "requests without a rule get errno:ENOSYS" in done.stderr


@pytest.mark.parametrize("answer", [
    "'errno': 0", "'errno': 4096", "'errno': 512", "'errno': 'EFROB'", "'errno': True",
    "'errno': 1.0", "'errno': '1'", "'value': 1.5", "'value': None", "'value': 'x'", "'value': 1 << 63",
    "'value': 1 << 64", "'continue': False", "'continue': 1", "'continue': 'yes'",
    "'value': 0, 'continue': True", "'value': 0, 'more': 1", "'allow': True",
])
def test_what_is_no_answer_denies_this_call_alone(helper: Callable[[str], Helper],
                                                  call: tuple[str, ...], answer: str) -> None:
    body = f"""
for asked in requests():
    reply(asked, **({{{answer}}} if first(asked) == 1 else {{"value": 5}}))
"""
    done = notify("--on", "getpgrp", "--helper", helper(body).path, "--answer", "*=errno:EACCES",
                  program=["sh", "-c", TWO % call[0]])
    assert done.stdout.split() == [f"-{EACCES}", "5"]
    assert "is not an answer: {" in done.stderr
    assert "errno:EACCES by rule" in done.stderr and "value:5 by helper" in done.stderr


def test_a_reply_that_nobody_waits_for_is_told_and_ignored(helper: Callable[[str], Helper],
                                                           call: tuple[str, ...]) -> None:
    body = """
for asked in requests():
    say('{"id": "0x0", "continue": true}')
    reply(asked, value=5)
    reply(asked, value=6)
"""
    done = notify("--on", "getpgrp", "--helper", helper(body).path,
                  program=["sh", "-c", TWO % call[0]])
    assert done.stdout.split() == ["5", "5"]
    assert "it answers request 0x0, which is not waiting for it" in done.stderr
    assert "not asked any more" not in done.stderr


def test_a_slow_helper_is_not_waited_for(helper: Callable[[str], Helper],
                                         call: tuple[str, ...]) -> None:
    body = """
late = None
for asked in requests():
    if first(asked) == 1:
        late = asked
        continue
    if late: reply(late, **{"continue": True})
    reply(asked, value=5)
"""
    done = notify("--on", "getpgrp", "--helper", helper(body).path, "--timeout", "10",
                  program=["sh", "-c", TWO % call[0]])
    assert done.stdout.split() == [f"-{ENOSYS}", "5"]
    assert re.search(r"no reply to request 0x\w+ in time", done.stderr)
    assert re.search(r"it answers request 0x\w+, which is not waiting", done.stderr)


def test_a_helper_that_never_reads_holds_nothing_up(helper: Callable[[str], Helper],
                                                    call: tuple[str, ...]) -> None:
    started = time.monotonic()
    done = notify("--on", "getpgrp", "--helper", helper("time.sleep(1000)").path, "--timeout", "1",
                  program=[*call, str(GETPGRP)])
    assert done.stdout == f"-{ENOSYS}\n"
    assert time.monotonic() - started < 60


def test_a_helper_that_cannot_be_started(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    error = error_of("notify", "--on", "mount", "--helper", str(tmp_path / "none"), "--", "touch",
                     str(ran))
    assert (error["errno_name"], error["operation"]) == ("ENOENT", f"start helper {tmp_path}/none")
    assert not ran.exists()


@pytest.mark.parametrize("fault", ["profile", "missing", "device", "output", "silent", "unasked",
                                   "foreign"])
def test_whatever_fails_the_program_does_not_run(tmp_path: Path, profile: Callable[..., Path],
                                                 fault: str) -> None:
    ran = tmp_path / "ran"
    path = profile(entry("ERRNO", "mount"))
    options: dict[str, tuple[list[str | Path], str]] = {
        "profile": (["--profile", "/dev/null"], "/dev/null"),
        "missing": (["--profile", tmp_path / "none"], "none"),
        "device": (["--on", "mount", "--device", "/dev/null"], "not the device of secmap"),
        "output": (["--on", "mount", "--output", tmp_path / "none/file"], "No such file"),
        "silent": (["--profile", path], "the profile asks about no call"),
        "unasked": (["--on", "mount", "--answer", "mknod=value:0"],
                    "there is an answer for mknod, and nobody asks about it"),
        "foreign": (["--profile", path, "--on", "waitpid"], "no ABI that the profile allows"),
    }
    arguments, said = options[fault]
    error = error_of("notify", *arguments, "--", "touch", str(ran))
    assert said in error["operation"] + error["text"]
    assert not ran.exists()


def test_one_listener_a_stack() -> None:
    inner = [str(TOOL), "--json", "notify", "--on", "mknod", "--", "echo", "ran"]
    done = notify("--on", "mknod", program=inner)
    assert (done.returncode, done.stdout) == (FAILURE, "")
    (error,) = shown(done.stderr)
    assert error["errno_name"] == "EBUSY" and "listener" in error["text"]


def test_run_within_notify_denies_what_it_denies(call: tuple[str, ...],
                                                 profile: Callable[..., Path]) -> None:
    """The strictest answer of a stack wins: nobody is asked."""
    path = profile(entry("ERRNO", "getpgrp", errnoRet=EACCES))
    done = notify("--on", "getpgrp", "--answer", "*=continue",
                  program=[str(TOOL), "run", "--profile", str(path), "--", *call, str(GETPGRP)])
    assert (done.stdout, done.stderr) == (f"-{EACCES}\n", "")


@pytest.fixture(name="public")
def _public(call: tuple[str, ...]) -> Iterator[Path]:
    """The tool and the program where everybody can reach them."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copy(TOOL, folder / "secmapctl")
    shutil.copy(call[0], folder / "call")
    yield folder
    shutil.rmtree(folder)


def test_anybody_can_supervise_himself(public: Path) -> None:
    done = subprocess.run([public / "secmapctl", "notify", "--on", "getpgrp", "--answer",
                           "getpgrp=value:4", "--", public / "call", "syscall", str(GETPGRP)],
                          capture_output=True, text=True, check=False, user=NOBODY, group=NOBODY,
                          extra_groups=[])
    assert (done.returncode, done.stdout) == (SUCCESS, "4\n"), done.stderr
