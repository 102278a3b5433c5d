#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The module through the real dkms, in folders of our own: nothing of this machine changes."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
VERSION = subprocess.run([TOP / "packaging/version"], check=True, capture_output=True,
                         text=True).stdout.strip()


def _headers() -> dict[str, Path]:
    """Every tree of headers on this machine, installed or in the cache of the guests; by release."""
    found = {}
    for name in ("6.1", "6.1-rt", "6.1-cloud", "6.12", "6.12-rt", "6.12-cloud"):
        done = subprocess.run(["python3", TOP / "tests/guest/kernel.py", name, "headers"], check=True,
                              stdout=subprocess.PIPE, text=True)
        folder = Path(done.stdout.strip())
        found[_release(folder)] = folder
    for folder in sorted(Path("/lib/modules").glob("*/build")):
        if (folder / "Makefile").exists():
            found.setdefault(_release(folder), folder)
    return found


def _release(folder: Path) -> str:
    text = (folder / "include/generated/utsrelease.h").read_text(encoding="ascii")
    return text.split('"')[1]


class Machine:
    """Folders in the place of /usr/src, /var/lib/dkms and /lib/modules."""

    def __init__(self, home: Path) -> None:
        self.source, self.tree, self.modules, self.keys = (
            home / name for name in ("src", "dkms", "modules", "keys"))
        for folder in (self.source, self.tree, self.modules, self.keys):
            folder.mkdir()

    def dkms(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """packaging/dkms, in a mount namespace where dkms may make keys to sign with."""
        script = 'mount --bind "$1" /var/lib/dkms && shift && exec "$@"'
        return subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", self.keys,
             TOP / "packaging/dkms", "--sourcetree", self.source, "--dkmstree", self.tree,
             "--installtree", self.modules, *arguments],
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def install(self, *headers: Path) -> str:
        """Build for these kernels, as if only their headers were there."""
        for folder in headers:
            (self.modules / _release(folder)).mkdir(exist_ok=True)
        options: list[str | Path] = []
        for folder in headers:
            options += ["--headers", folder]
        done = self.dkms(*options)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def module(self, release: str) -> Path:
        """Where dkms put it."""
        (found,) = (self.modules / release).rglob("secmap.ko*")
        return found


@pytest.fixture(scope="module", name="machine")
def _machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("dkms"))


def _field(module: Path, field: str) -> str:
    return subprocess.run(["/sbin/modinfo", "-F", field, module], check=True, capture_output=True,
                          text=True).stdout.strip()


@pytest.mark.parametrize("release,headers", _headers().items())
def test_builds_for_each_kernel(machine: Machine, release: str, headers: Path) -> None:
    """Any flavour whose headers are there; and again over what an earlier one left."""
    text = machine.install(headers)
    module = machine.module(release)
    assert module.parent == machine.modules / release / "updates/dkms", text
    assert _field(module, "vermagic").split()[0] == release
    assert _field(module, "version") == VERSION
    assert f"secmap/{VERSION}, {release}, x86_64: installed" in text


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_loads(machine: Machine, kernel: str) -> None:
    """What dkms built is a module that its kernel takes, and gives back."""
    headers = next(folder for release, folder in _headers().items()
                   if re.match(rf"{re.escape(kernel)}\.\d+(-|\+deb)", release))
    machine.install(headers)
    module = machine.module(_release(headers))
    done = subprocess.run(
        [TOP / "tests/guest/run", "--kernel", kernel, "--no-module", "--", "sh", "-exc",
         f"insmod {module.name}; test -c /dev/secmap; rmmod secmap"],
        cwd=module.parent, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def test_goes_away(machine: Machine) -> None:
    """Nothing of it is left behind."""
    done = machine.dkms("--remove")
    assert done.returncode == 0, done.stdout
    left = [path for home in (machine.source, machine.tree, machine.modules)
            for path in home.rglob("*secmap*")]
    assert not left


def test_source_tree_is_complete(tmp_path: Path) -> None:
    """It has the sources, no leftovers of builds, and the version."""
    shutil.rmtree(tmp_path)
    subprocess.run([TOP / "packaging/dkms-source", tmp_path], check=True)
    assert f'PACKAGE_VERSION="{VERSION}"' in (tmp_path / "dkms.conf").read_text(encoding="ascii")
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"dkms.conf", "module/Kbuild", "module/main.c", "uapi/secmap/secmap.h"} <= names
    kept = re.compile(r"dkms\.conf|(module|uapi)/.*(\.[ch]|Kbuild)")
    assert [name for name in names if not kept.fullmatch(name)] == []
    assert all(os.access(tmp_path / name, os.R_OK) for name in names)


def test_one_version() -> None:
    """Everything that has a version has the module's."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    for name, pattern in {
        "CMakeLists.txt": r"project\(secmap VERSION ([\d.]+)",
        "debian/changelog": r"\Asecmap \(([\d.]+)",
    }.items():
        found = re.search(pattern, (TOP / name).read_text(encoding="utf-8"))
        assert found and found.group(1) == VERSION, name
