# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers of busybox, as crun and runc themselves run them from a bundle that is made by hand."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
HOOK = TOP / "build/userland/oci/secmap-oci-hook"
CGROUPS = Path("/sys/fs/cgroup")

Seccomp = dict[str, Any]


def allowing(*denied: str, errno: int = 1) -> Seccomp:
    """All calls but these."""
    return {"defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
            "syscalls": [{"names": list(denied), "action": "SCMP_ACT_ERRNO", "errnoRet": errno}]}


class Runtime:
    """crun or runc, with its state in a folder."""

    def __init__(self, name: str, folder: Path) -> None:
        # /sys/fs/cgroup is the guest's: nobody else manages it.
        manager = ["--cgroup-manager=cgroupfs"] if name == "crun" else []
        self.command: list[str | Path] = [name, *manager, "--root", folder / "state"]
        self.name = name

    def __str__(self) -> str:
        return self.name

    def run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """To its end."""
        with open("/dev/null", "rb") as null:
            return subprocess.run([*self.command, *arguments], stdin=null, check=False, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100)

    def state(self, container: str) -> Any:
        """What it says of a container."""
        return json.loads(self.run("state", container).stdout)


def make_bundle(folder: Path, arguments: Sequence[str], seccomp: Seccomp | None, *,
                hooks: Mapping[str, Sequence[str]] | None = None, stage: str = "createRuntime",
                **annotations: str) -> Path:
    """A bundle whose root has busybox and the program "first". What its @seccomp denies, the runtime's own filter
    denies too, and first; so what secmap alone is to deny comes in the annotation org_secmap_profile."""
    root = folder / "root"
    for name in ("bin", "proc", "dev"):
        (root / name).mkdir(parents=True)
    for program in (Path("/bin/busybox"), TOP / "build/userland/tests/integration/programs/first"):
        shutil.copy(program, root / "bin")
    for name in ("sh", "cat", "mkdir", "hostname", "sleep"):
        os.link(root / "bin/busybox", root / "bin" / name)
    listed = {name: [{"path": command[0], "args": list(command)}]
              for name, command in (hooks or {}).items()}
    listed.setdefault(stage, []).append({"path": str(HOOK), "args": ["secmap-oci-hook"]})
    (folder / "config.json").write_text(json.dumps({
        "ociVersion": "1.0.2", "hostname": "box", "root": {"path": "root", "readonly": True},
        "process": {"cwd": "/", "args": list(arguments), "env": ["PATH=/bin"],
                    "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True},
        "mounts": [
            {"destination": "/proc", "source": "proc", "type": "proc"},
            {"destination": "/dev", "source": "tmpfs", "type": "tmpfs",
             "options": ["nosuid", "mode=755"]}],
        "hooks": listed,
        "annotations": {name.replace("_", "."): value for name, value in annotations.items()},
        "linux": {"cgroupsPath": "/box", **({"seccomp": seccomp} if seccomp else {}),
                  "namespaces": [{"type": kind}
                                 for kind in ("pid", "ipc", "uts", "mount", "network")]}}),
        encoding="utf-8")
    return folder


@contextmanager
def running(runtime: Runtime, bundle: Path, container: str) -> Iterator["subprocess.Popen[str]"]:
    """A container in the foreground, until the end of the block."""
    with subprocess.Popen([*runtime.command, "run", "--bundle", bundle, container], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            runtime.run("delete", "--force", container)
            process.kill()
