# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `make install` puts where, and that it is enough to build and run with."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]

PROGRAM = """
#include <cstdio>
#include <secmap/device.hpp>
#include <secmap/profile.hpp>
#include <secmap/simulator.hpp>

int main(int, char** argv) {
    const auto read = secmap::read_profile(argv[1], {});
    if (!read) return 1;
    const auto made = secmap::compile(*read, {});
    if (!made) return 2;
    const auto policy = secmap::simulator::create(made->image);
    if (!policy) return 3;
    std::printf("%#x\\n", policy->judge({.nr = 39, .arch = 0xc000003e}).action);
}
"""


@pytest.fixture(name="root", scope="module")
def _root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["make", "-s", "install", "PREFIX=/opt/secmap"], cwd=TOP, check=True,
                   env={**os.environ, "DESTDIR": str(root)}, stdout=subprocess.DEVNULL)
    return root / "opt/secmap"


def test_the_tool_runs(root: Path) -> None:
    env = {**os.environ, "LD_LIBRARY_PATH": str(next(root.rglob("libsecmap.so.*")).parent)}
    said = subprocess.run([root / "bin/secmapctl", "version"], check=True, env=env,
                          stdout=subprocess.PIPE, text=True).stdout
    assert "secmapctl" in said


def test_a_program_builds_with_it(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "program.cpp"
    source.write_text(PROGRAM, encoding="ascii")
    folder = next(root.rglob("libsecmap.so.*")).parent
    subprocess.run(["g++", "-std=c++20", "-Wall", "-Werror", f"-I{root / 'include'}", source,
                    f"-L{folder}", "-lsecmap", "-o", tmp_path / "program"], check=True)
    said = subprocess.run([tmp_path / "program", "/usr/share/containers/seccomp.json"], check=True,
                          env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
                          stdout=subprocess.PIPE, text=True).stdout
    assert said == "0x7fff0000\n"  # SECCOMP_RET_ALLOW: getpid


@pytest.mark.parametrize("name", [
    "share/man/man8/secmapctl.8", "share/man/man8/secmap-oci-hook.8", "share/man/man4/secmap.4",
    "share/secmap/schema/error.json",
    "share/bash-completion/completions/secmapctl", "share/doc/secmap/examples/99-secmap.rules",
    "include/secmap/secmap.h", "include/secmap/secmap_netlink.h", "share/secmap/secmap.yaml",
])
def test_what_belongs_to_it_is_there(root: Path, name: str) -> None:
    assert (root / name).stat().st_size > 0


def test_container_engines_find_the_hook(root: Path) -> None:
    """What oci-hooks(5) says of a file in hooks.d; the program is where it says, and is the hook."""
    described = json.loads((root / "share/containers/oci/hooks.d/secmap.json").read_text(encoding="utf-8"))
    assert set(described) == {"version", "hook", "when", "stages"}
    assert (described["version"], described["stages"]) == ("1.0.0", ["createRuntime"])
    assert set(described["hook"]) == {"path", "args"}
    assert described["hook"]["path"] == "/opt/secmap/libexec/secmap/secmap-oci-hook"
    program = root.parents[1] / described["hook"]["path"][1:]
    said = subprocess.run([program, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert described["stages"][0] in said
    # Whoever asks for anything that begins as ours do: the hook itself says what it does not know.
    assert set(described["when"]) == {"annotations"}
    ((name, value),) = described["when"]["annotations"].items()
    for asked in ("org.secmap.attach", "org.secmap.profil"):
        assert re.search(name, asked) and re.search(value, "") and re.search(value, "true")
    for other in ("org.secmapx", "x.org.secmap.attach", "orgXsecmap.attach"):
        assert not re.search(name, other)
