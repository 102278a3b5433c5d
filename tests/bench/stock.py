#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a container runtime makes of podman's profile: libseccomp's program, linear or with its
binary tree. As a program: become a command, held by seccomp(2) with such a program."""

import ctypes
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import seccomp  # type: ignore[import]

PROFILE = Path("/usr/share/containers/seccomp.json")

# podman's, for a container that is given none and loses none.
CAPABILITIES = {f"CAP_{name}" for name in (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
    "SETPCAP", "SETUID", "SYS_CHROOT")}
_KERNEL = (6, 1)
_OPERATORS = {"SCMP_CMP_NE": seccomp.NE, "SCMP_CMP_EQ": seccomp.EQ}
FORMS = {"stock": 1, "stock_tree": 2}
"""by engine: SCMP_FLTATR_CTL_OPTIMIZE"""

_UNKNOWN = -1
_PR_SET_NO_NEW_PRIVS, _SYS_SECCOMP, _SET_MODE_FILTER, _SPEC_ALLOW = 38, 317, 1, 4


def _action(entry: Mapping[str, Any], name: str, errno: str) -> tuple[str, int]:
    return entry[name], entry.get(errno, 1) if entry[name] == "SCMP_ACT_ERRNO" else 0


def _of_libseccomp(action: tuple[str, int]) -> object:
    return seccomp.ALLOW if action == ("SCMP_ACT_ALLOW", 0) else seccomp.ERRNO(action[1])


def _met(version: str) -> bool:
    return _KERNEL >= tuple(map(int, version.split(".")))


def _applies(entry: Mapping[str, Any]) -> bool:
    without, wanted = entry.get("excludes") or {}, entry.get("includes") or {}
    if "amd64" in without.get("arches", ()) or CAPABILITIES & set(without.get("caps", ())):
        return False
    if "minKernel" in without and _met(without["minKernel"]):
        return False
    if wanted.get("arches") and "amd64" not in wanted["arches"]:
        return False
    return (set(wanted.get("caps", ())) <= CAPABILITIES
            and ("minKernel" not in wanted or _met(wanted["minKernel"])))


def compile_profile(form: str, to: Path) -> None:
    """Write the program as seccomp_export_bpf(3) does. A reader of that profile, not of all."""
    document = json.loads(PROFILE.read_text(encoding="utf-8"))
    default = _action(document, "defaultAction", "defaultErrnoRet")
    made = seccomp.SyscallFilter(_of_libseccomp(default))
    made.set_attr(seccomp.Attr.CTL_OPTIMIZE, FORMS[form])
    made.add_arch(seccomp.Arch.X86)
    made.add_arch(seccomp.Arch.X32)
    for entry in filter(_applies, document["syscalls"]):
        action = _action(entry, "action", "errnoRet")
        if action == default:
            continue
        args = [seccomp.Arg(arg["index"], _OPERATORS[arg["op"]], arg["value"],
                            arg.get("valueTwo", 0)) for arg in entry.get("args") or ()]
        for name in entry["names"]:
            if seccomp.resolve_syscall(seccomp.Arch(), name) != _UNKNOWN:
                made.add_rule(_of_libseccomp(action), name, *args)
    with open(to, "wb") as file:
        made.export_bpf(file)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def attach(program: Path) -> None:
    """To the calling task, with SPEC_ALLOW, so that mitigations do not colour figures."""
    code = program.read_bytes()
    libc = ctypes.CDLL(None, use_errno=True)
    handed = _Program(len(code) // 8, code)
    if (libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            or libc.syscall(_SYS_SECCOMP, _SET_MODE_FILTER, _SPEC_ALLOW, ctypes.byref(handed))):
        raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    attach(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
