#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unchanged programs of Debian with the seccomp filter that they bring: each does its work, is
held, and is denied what its filter denies; by the kernel's seccomp, and the same by secmap under
--adopt."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import seccomp  # type: ignore[import]
from adopted import (KERNEL, SECMAP, Held, Holder, await_held, await_nobody_held,
                     held_by_secmap, held_by_the_kernel, running)
from filtered import await_call
from podman import PROFILE, WORKLOADS

WRITE, SOCKET, EXECVE, OPENAT, CLONE3 = 1, 41, 59, 257, 435
DEVICE = Path("/dev/secmap")
KILLED = f"killed {int(signal.SIGSYS)}"

Inject = Callable[..., str]


@pytest.fixture(name="inject")
def _inject(program: Callable[[str], str]) -> Inject:
    """Have a held thread make a system call, and say what became of it."""
    def inject(thread: Held, *call: int) -> str:
        return subprocess.run([program("inject"), *map(str, (thread.tid, *call))], check=True,
                              stdout=subprocess.PIPE, text=True, timeout=100).stdout.strip()

    return inject


@pytest.fixture(name="holder", params=[KERNEL, SECMAP], ids=str)
def _holder(request: pytest.FixtureRequest) -> Holder:
    await_nobody_held()
    holder: Holder = request.param
    return holder


@pytest.fixture(name="users")
def _users() -> Iterator[None]:
    """The users that the packages would have made; this is a guest's /etc."""
    path = Path("/etc/passwd")
    before = path.read_text(encoding="utf-8")
    names = [name for name in ("sshd", "_chrony", "visitor") if f"\n{name}:" not in before]
    path.write_text(before + "".join(f"{name}:*:{number}:65534::/:/bin/sh\n"
                                     for number, name in enumerate(names, 2299)),
                    encoding="utf-8")
    yield
    path.write_text(before, encoding="utf-8")


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """A folder that servers can reach as another user."""
    folder = Path("/tmp/adopted")
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def found(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name)
    assert path, f"{name} is missing"
    return path


def read(process: "subprocess.Popen[str]", line: str) -> None:
    """This is what it says next."""
    assert process.stdout
    assert process.stdout.readline() == line + "\n"


def say(process: "subprocess.Popen[str]", line: str) -> None:
    """To its standard input."""
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


def connection(port: int, server: "subprocess.Popen[str]") -> socket.socket:
    """To a server that is starting."""
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            assert server.poll() is None, f"ended with {server.returncode}"
            os.sched_yield()


def test_man_formats_a_page(holder: Holder, inject: Inject, tmp_path: Path) -> None:
    lines = [f"line {number} of a page that fills every pipe on its way" for number in range(3000)]
    page = tmp_path / "page.1"
    page.write_text("\n".join([".TH PAGE 1", ".SH NAME", r"page \- long", ".nf", *lines, ""]),
                    encoding="ascii")
    with running(holder, "man", "-l", page) as process:
        # The last of the programs that man starts waits until somebody reads.
        last = await_held(holder, "col", process)
        await_call(last.tid, WRITE)
        assert inject(last, SOCKET, socket.AF_INET, socket.SOCK_STREAM, 0) == "returned -38"
        text, _ = process.communicate()
        assert process.returncode == 0
    assert [line.strip() for line in text.splitlines() if " line " in line] == lines


@contextmanager
def sandbox(holder: Holder, folder: Path, *more: str | Path,
            **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Bubblewrap with a filter as flatpak gives it: compiled by libseccomp, as a descriptor."""
    made = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in ("unshare", "mount", "keyctl", "ptrace"):
        made.add_rule(seccomp.ERRNO(1), name)
    script = "hostname; echo $$; read line; unshare --uts echo loose; echo $?; read line"
    with open(folder / "filter", "w+b") as file:
        made.export_bpf(file)
        file.seek(0)
        with running(holder, "bwrap", "--unshare-all", "--hostname", "sandbox",
                     "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", *more,
                     "--seccomp", str(file.fileno()), "sh", "-c", script, env=environment,
                     pass_fds=[file.fileno()], stderr=subprocess.STDOUT) as process:
            read(process, "sandbox")
            read(process, "2")
            yield process
            say(process, "")
            read(process, "unshare: unshare failed: Operation not permitted")
            read(process, "1")
            say(process, "")
            assert process.wait() == 0


def test_bubblewrap_takes_a_filter(holder: Holder, tmp_path: Path) -> None:
    with sandbox(holder, tmp_path, "--dev-bind", DEVICE, DEVICE) as process:
        await_held(holder, "sh", process)
        await_held(holder, "bwrap", process)


def test_bubblewraps_first_process_without_the_device_is_the_kernels(tmp_path: Path) -> None:
    """It closes what it does not know, and its /dev has nothing; what it runs is held by secmap."""
    with sandbox(SECMAP, tmp_path, SECMAP_SECCOMP="") as process:
        while not held_by_the_kernel():
            assert process.poll() is None
        assert [held.name for held in held_by_secmap()] == ["sh"]
        assert [held.name for held in held_by_the_kernel()] == ["bwrap"]


def test_qemu_runs_a_machine(holder: Holder, inject: Inject, tmp_path: Path) -> None:
    firmware = tmp_path / "firmware"
    subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-Wl,-Ttext=0,--oformat=binary",
                    "-Wl,--build-id=none", "-o", firmware, WORKLOADS / "machine.S"], check=True)
    command: list[str | Path] = [
        "qemu-system-x86_64", "-nodefaults", "-display", "none", "-bios", firmware, "-serial",
        "stdio", "-device", "isa-debug-exit,iobase=0x501", "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
    for call, becomes, ends in ((CLONE3, "returned -38", 7), (EXECVE, KILLED, -signal.SIGSYS)):
        with running(holder, *command) as process:
            say(process, "before")
            read(process, "BEFORE")
            main = await_held(holder, "qemu-system-x86", process)
            assert inject(main, call, 0, 0, 0) == becomes
            if ends >= 0:
                say(process, "after")
                read(process, "AFTER")
                say(process, "")
            assert process.wait() == ends


@pytest.fixture(name="configuration")
def _configuration(users: None, folder: Path) -> Path:
    """Of an sshd, with the keys of its host and of a user."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
                       check=True)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    path = folder / "configuration"
    path.write_text("\n".join([
        "ListenAddress 127.0.0.1:2299", f"HostKey {folder}/host", "PidFile none", "UsePAM no",
        f"AuthorizedKeysFile {folder}/user.pub", "StrictModes no", ""]), encoding="ascii")
    return path


def test_sshd_lets_a_user_in(holder: Holder, inject: Inject, configuration: Path) -> None:
    with running(holder, found("sshd"), "-D", "-e", "-f", configuration) as server:
        # It waits for a key to be exchanged: its child without privileges, in its sandbox.
        with connection(2299, server) as client, client.makefile("rb") as stream:
            assert stream.readline().startswith(b"SSH-2.0-OpenSSH_")
            client.sendall(b"SSH-2.0-test\r\n")
            child = await_held(holder, "sshd", server)
            assert inject(child, OPENAT, -100, 0, 0) == "returned -13"
            assert inject(child, SOCKET, socket.AF_INET, socket.SOCK_STREAM, 0) == KILLED
            stream.read()  # until it hangs up
        login = subprocess.run(
            ["ssh", "-F", "none", "-p", "2299", "-i", configuration.parent / "user",
             "-o", "LogLevel=ERROR", "-o", "StrictHostKeyChecking=no",
             "-o", "UserKnownHostsFile=/dev/null", "visitor@127.0.0.1", "id -un; exit 7"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False, timeout=100)
        assert (login.returncode, login.stdout) == (7, "visitor\n")


def test_chronyd_gives_the_time(holder: Holder, inject: Inject, users: None, folder: Path) -> None:
    def common(name: str) -> list[str]:
        return [found("chronyd"), "-F", "1", f"pidfile {folder}/{name}", "cmdport 0",
                "bindcmdaddress /"]

    with running(holder, *common("server"), "-d", "-x", "local stratum 5", "port 12300",
                 "allow 127.0.0.1", "bindaddress 127.0.0.1") as server:
        main = await_held(holder, "chronyd", server)
        asked = subprocess.run(
            [*holder.prefix, *common("client"), "-Q", "-t", "60", "port 0",
             "server 127.0.0.1 port 12300 iburst maxsamples 1"], check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100)
        assert asked.returncode == 0, asked.stdout
        assert "System clock wrong by" in asked.stdout
        assert inject(main, EXECVE, 0, 0, 0) == KILLED
        assert server.wait() == -signal.SIGSYS


def test_crun_runs_a_container(holder: Holder, folder: Path) -> None:
    """With podman's profile, as far as it does not depend on capabilities."""
    root = folder / "root"
    for name in ("usr", "proc", "dev"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    profile = json.loads(PROFILE.read_text(encoding="ascii"))
    calls = [{key: entry[key] for key in ("names", "action", "args", "errnoRet")
              if entry.get(key) is not None}
             for entry in profile["syscalls"]
             if entry.get("includes", {}) in ({}, {"arches": ["amd64"]},
                                              {"arches": ["amd64", "x32"]})]
    script = "hostname; read line; setarch x86_64 --addr-no-randomize echo loose; read line; exit 5"
    (folder / "config.json").write_text(json.dumps({
        "ociVersion": "1.0.0", "hostname": "container", "root": {"path": "root", "readonly": True},
        "process": {"cwd": "/", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin"],
                    "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True},
        "mounts": [
            {"destination": "/usr", "source": "/usr", "type": "bind", "options": ["rbind", "ro"]},
            {"destination": "/proc", "source": "proc", "type": "proc"}],
        "linux": {"namespaces": [{"type": kind}
                                 for kind in ("pid", "ipc", "uts", "mount", "network")],
                  "seccomp": {"defaultAction": profile["defaultAction"],
                              "defaultErrnoRet": profile["defaultErrnoRet"],
                              "architectures": ["SCMP_ARCH_X86_64"], "syscalls": calls}}}),
        encoding="ascii")
    with running(holder, "crun", "--cgroup-manager=disabled", "--root", folder / "state", "run",
                 "--bundle", folder, "one", stderr=subprocess.STDOUT) as process:
        read(process, "container")
        await_held(holder, "sh", process)
        say(process, "")
        read(process, "setarch: failed to set personality to x86_64: Function not implemented")
        say(process, "")
        assert process.wait() == 5
