#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmap-oci-hook under crun and runc: a container is held from its first instruction on, the runtime's own work is
not, the filter is changed from outside; and whatever fails, the container's program does not run."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import abi
import pytest
from bundle import CGROUPS, HOOK, Runtime, allowing, make_bundle, running
from monitoring import Monitor
from tool import json_of, text_of

EACCES = 13
STACK = 64

# What runtimes do behind the hook, before they execute the container's program.
OF_RUNTIMES = ("mount", "umount2", "pivot_root", "sethostname", "mkdir", "mkdirat", "unshare", "setsid", "capset",
               "prctl", "openat2", "fchdir")


@pytest.fixture(name="runtime", params=["crun", "runc"])
def _runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Runtime:
    return Runtime(request.param, tmp_path)


@pytest.fixture(name="crun")
def _crun(tmp_path: Path) -> Runtime:
    return Runtime("crun", tmp_path)


@pytest.fixture(name="profile")
def _profile(tmp_path: Path) -> str:
    """Denies what runtimes do, and the first call of the program "first"."""
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(allowing("getppid", *OF_RUNTIMES, errno=77)), encoding="utf-8")
    return str(path)


def supervisors() -> list[int]:
    """Those that still wait for a container to begin."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "comm").read_text(encoding="utf-8") == f"{HOOK.name}\n" and (each / "cmdline").read_bytes():
                found.append(int(each.name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def await_no_supervisor() -> None:
    """Until all of them have ended."""
    while supervisors():
        time.sleep(0.01)


def await_no_policy(name: str) -> None:
    """Until the last one has let go of it."""
    while f" {name} " in text_of("policy", "list"):
        time.sleep(0.01)


def test_the_first_instruction_is_held_and_the_runtimes_work_is_not(runtime: Runtime, profile: str,
                                                                    tmp_path: Path) -> None:
    """Of the hooks, what is executed in the container is held as well, and what is executed before is not."""
    hooks = {"createContainer": ["/bin/sh", "-c", f"mkdir {tmp_path}/made"],
             "startContainer": ["/bin/sh", "-c", "! mkdir /dev/made 2>/dev/null"]}
    engine = {"crun": "maps", "runc": "ebpf"}[runtime.name]
    held = make_bundle(tmp_path / "held", ["first"], None, hooks=hooks, org_secmap_attach="true",
                       org_secmap_profile=profile, org_secmap_engine=engine)
    free = make_bundle(tmp_path / "free", ["first"], None, org_secmap_attach="false", org_secmap_profile=profile)
    done = runtime.run("run", "--bundle", held, "held")
    assert (done.returncode, done.stdout) == (77, "")
    assert (tmp_path / "made").is_dir()
    done = runtime.run("run", "--bundle", free, "free")
    assert (done.returncode, done.stdout) == (0, "")
    await_no_supervisor()


def test_a_running_container_is_changed_from_outside(runtime: Runtime, tmp_path: Path) -> None:
    """It carries the bundle's linux.seccomp; the runtime's own filter has it too, and lets a LOG pass."""
    seccomp = {**allowing(), "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_LOG"}]}
    tighter = tmp_path / "tighter.json"
    tighter.write_text(json.dumps(allowing("mkdir", "mkdirat", errno=EACCES)), encoding="utf-8")
    bundle = make_bundle(tmp_path / "bundle", ["sh", "-c", 'echo ready; while read line; do eval "$line"; done'],
                         seccomp, org_secmap_attach="true")
    name = f"web-{runtime}"
    with running(runtime, bundle, name) as process:
        assert process.stdin and process.stdout

        def ask(line: str) -> str:
            assert process.stdin and process.stdout
            process.stdin.write(line + "\n")
            process.stdin.flush()
            return process.stdout.readline()

        assert process.stdout.readline() == "ready\n"
        await_no_supervisor()
        inside = f"{(CGROUPS / 'box').stat().st_ino:#x}"
        # A process of the container's, which is a child of its first one.
        with Monitor() as monitor:
            assert ask("mkdir /dev/one && echo made") == "made\n"
            event = monitor.next()
            assert (event["policy_name"], event["action"]["name"], event["cgroup"]) == (name, "LOG", inside)
            assert event["ns_pid"] not in (1, event["pid"])
            done = json_of("policy-replace", "policy", "replace", name, "--profile", tighter)
            assert done["tasks"] == 1
            assert ask("mkdir /dev/two") == "mkdir: can't create directory '/dev/two': Permission denied\n"
            event = monitor.next()
            assert (event["policy"], event["policy_name"], event["action"]["name"], event["cgroup"]) == (
                done["by"], name, "ERRNO", inside)
            # Who enters from outside is nobody's child in there: he is not held.
            entered = runtime.run("exec", name, "mkdir", "/dev/three")
            assert (entered.returncode, entered.stdout) == (0, "")
        process.stdin.close()
        assert process.wait() == 1  # the last mkdir's
    await_no_policy(name)


@pytest.fixture(name="log")
def _log() -> Iterator[socket.socket]:
    """The system's log."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind("/dev/log")
        yield made
    os.unlink("/dev/log")


def does_not_start(runtime: Runtime, bundle: Path, log: socket.socket, *said: str) -> None:
    """The runtime fails; why is in the log, and what runc says."""
    done = runtime.run("run", "--bundle", bundle, "one")
    message = log.recv(4096).decode()
    assert done.returncode != 0 and "began" not in done.stdout
    for each in ("secmap-oci-hook", "container one: ", *said):
        assert each in message
        assert each in done.stdout or runtime.name == "crun"
    runtime.run("delete", "--force", "one")


def test_without_the_module_nothing_starts(runtime: Runtime, profile: str, tmp_path: Path, log: socket.socket) -> None:
    bundle = make_bundle(tmp_path / "bundle", ["sh", "-c", "echo began"], None, org_secmap_attach="true",
                         org_secmap_profile=profile)
    os.rename("/dev/secmap", "/dev/secmap.away")
    try:
        does_not_start(runtime, bundle, log, "open /dev/secmap", "is not loaded (as root: modprobe secmap)")
    finally:
        os.rename("/dev/secmap.away", "/dev/secmap")


def test_in_another_stage_nothing_starts(runtime: Runtime, profile: str, tmp_path: Path, log: socket.socket) -> None:
    bundle = make_bundle(tmp_path / "bundle", ["sh", "-c", "echo began"], None, stage="createContainer",
                         org_secmap_attach="true", org_secmap_profile=profile)
    does_not_start(runtime, bundle, log, "the hook runs in the container's namespaces", "in the stage createRuntime")


@contextmanager
def created(crun: Runtime, profile: str, tmp_path: Path) -> Iterator[int]:
    """A container whose program has not begun; the id of its first process."""
    bundle = make_bundle(tmp_path / "bundle", ["sh", "-c", "echo began > /dev/began; sleep 100"], None,
                         org_secmap_attach="true", org_secmap_profile=profile)
    output = tmp_path / "output"
    # It has the standard output of who creates it.
    command = " ".join(str(each) for each in [*crun.command, "create", "--bundle", bundle, "one"])
    assert os.system(f"{command} >{output} 2>&1 </dev/null") == 0, output.read_text()
    try:
        yield int(crun.state("one")["pid"])
    finally:
        crun.run("delete", "--force", "one")
    await_no_supervisor()


def await_stopped(crun: Runtime) -> None:
    """Until its first process has ended."""
    while crun.state("one")["status"] != "stopped":
        time.sleep(0.01)


def test_a_container_that_is_never_started_leaves_no_supervisor(crun: Runtime, profile: str, tmp_path: Path) -> None:
    with created(crun, profile, tmp_path):
        assert len(supervisors()) == 1
        assert " exec-one " in text_of("policy", "list")
    await_no_policy("exec-one")


def test_without_its_supervisor_the_program_does_not_begin(crun: Runtime, profile: str, tmp_path: Path) -> None:
    with created(crun, profile, tmp_path) as pid:
        (supervisor,) = supervisors()
        os.kill(supervisor, signal.SIGKILL)
        await_no_supervisor()
        began = Path(f"/proc/{pid}/root/dev/began")
        crun.run("start", "one")
        await_stopped(crun)
        assert not began.exists()
        assert "Function not implemented" in (tmp_path / "output").read_text(encoding="utf-8")


def test_what_cannot_be_attached_does_not_begin(crun: Runtime, profile: str, tmp_path: Path, dev: int,
                                                log: socket.socket) -> None:
    """Its stack is full by then."""
    with created(crun, profile, tmp_path) as pid:
        policy = abi.simple(dev, {})
        for _ in range(STACK - 1):
            abi.attach(dev, policy, pid=pid)
        crun.run("start", "one")
        await_stopped(crun)
        assert "Operation canceled" in (tmp_path / "output").read_text(encoding="utf-8")
        message = log.recv(4096).decode()
        assert "container one does not start: attach policy" in message and "is full" in message
        os.close(policy)
