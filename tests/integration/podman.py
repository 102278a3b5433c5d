#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs as podman would run them: its profile, and the capabilities of its containers."""

import functools
import subprocess
from collections.abc import Sequence
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROFILE = Path("/usr/share/containers/seccomp.json")
DECISIONS = TOP / "build/userland/tests/diff/secmap-decisions"
WORKLOADS = Path(__file__).parent / "workloads"

# containers.conf(5), default_capabilities: what secmapctl takes without --cap.
CAPABILITIES = ("chown", "dac_override", "fowner", "fsetid", "kill", "net_bind_service", "setfcap",
                "setgid", "setpcap", "setuid", "sys_chroot")


@functools.cache
def _capable() -> tuple[str, ...]:
    """A command that takes away what a container's root does not have."""
    kept = ",".join(f"+{name}" for name in CAPABILITIES)
    return ("setpriv", "--bounding-set", f"-all,{kept}", "--inh-caps", "-all")


def contained(command: Sequence[str]) -> list[str]:
    """The command as a container's root."""
    return [*_capable(), *command]


def held(command: Sequence[str], *options: str, profile: Path = PROFILE) -> list[str]:
    """The command held to a profile."""
    return ["secmapctl", "run", "--profile", str(profile), *options, "--", *command]


def run(command: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run it in a folder of its own."""
    folder.mkdir()
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)


def compiled(name: str, folder: Path) -> Path:
    """A C program of workloads/."""
    program = folder / name
    subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-o", program, WORKLOADS / f"{name}.c"], check=True)
    return program
