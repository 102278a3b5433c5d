#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Become a command that seccomp(2) itself holds to a profile, as a container runtime makes it with
libseccomp. With "strictly" in front what the profile does not allow kills, so that no denial is
overlooked. Reads what secmapctl learn writes, not all that there is."""

import json
import os
import sys
from pathlib import Path

import seccomp  # type: ignore[import]

_ARCHES = {"SCMP_ARCH_X86": seccomp.Arch.X86, "SCMP_ARCH_X32": seccomp.Arch.X32}


def load(profile: Path, strictly: bool) -> None:
    """Hold the calling task to it."""
    document = json.loads(profile.read_text(encoding="utf-8"))
    assert document["defaultAction"] == "SCMP_ACT_ERRNO"
    made = seccomp.SyscallFilter(
        seccomp.KILL_PROCESS if strictly else seccomp.ERRNO(document["defaultErrnoRet"]))
    for arch in document["architectures"]:
        if arch in _ARCHES:
            made.add_arch(_ARCHES[arch])
    for entry in document["syscalls"]:
        assert entry["action"] == "SCMP_ACT_ALLOW"
        args = [seccomp.Arg(arg["index"], seccomp.EQ, arg["value"]) for arg in entry.get("args", ())]
        assert all(arg["op"] == "SCMP_CMP_EQ" for arg in entry.get("args", ()))
        for name in entry["names"]:
            made.add_rule(seccomp.ALLOW, name, *args)
    made.load()


if __name__ == "__main__":
    how, path, *command = sys.argv[1:]
    load(Path(path), how == "strictly")
    os.execvp(command[0], command)
