#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Build the module, and the test-only modules beside it, for one kernel."""

import argparse
import fcntl
import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import kernel
from outcome import Failure, Outcome

TOP = Path(__file__).resolve().parents[2]
SOURCE = TOP / "module"
NAME = "secmap"


def sources() -> dict[str, Path]:
    """Every module of the tree: its name and its folder."""
    found = {NAME: SOURCE}
    for kbuild in sorted((TOP / "tests/modules").glob("*/Kbuild")):
        found[kbuild.parent.name] = kbuild.parent
    return found


def _mirror(source: Path, target: Path) -> None:
    """Make `target` have the files of `source`; what kbuild made of them stays, unless its
    source is gone. Unchanged files keep their time, so that only what changed is compiled."""
    listing = target / ".mirrored"
    before = set(listing.read_text(encoding="utf-8").split("\n")) if listing.exists() else set()
    now = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    for name in before - now - {""}:
        (target / name).unlink(missing_ok=True)
        (target / name).with_suffix(".o").unlink(missing_ok=True)
    for name in sorted(now):
        path = target / name
        if not path.exists() or not filecmp.cmp(source / name, path, shallow=False):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, path)
    target.mkdir(parents=True, exist_ok=True)
    listing.write_text("\n".join(sorted(now)), encoding="utf-8")


def _kbuild(target: kernel.Kernel, folder: Path, options: list[str]) -> None:
    arguments = [
        "make", "-s", "-C", str(target.headers), f"M={folder}",
        f"-j{len(os.sched_getaffinity(0))}", "W=1",
        # Needs the kernel with its debugging data, which headers packages seldom have.
        "CONFIG_DEBUG_INFO_BTF_MODULES=", *options,
    ]
    if target.name == kernel.DEBUG:
        arguments.append("KCOV_INSTRUMENT=y")
    # What a make above us says to its children is not meant for kbuild.
    inherited = {key: value for key, value in os.environ.items()
                 if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
    done = subprocess.run([*arguments, "modules"], check=False, stdout=sys.stderr, env=inherited)
    if done.returncode != 0:
        raise Failure(Outcome.SETUP, f"{folder.name} does not build for {target.release}")


def build(target: kernel.Kernel, options: list[str] | None = None, under: str = "module") -> Path:
    """Build every module for one kernel; return the folder with the .ko files.

    kbuild writes beside its sources, so each kernel has a copy of them in build/. The same
    kernel's builds wait for each other.
    """
    if not (SOURCE / "Kbuild").exists():
        raise Failure(Outcome.SETUP, "there is no module/Kbuild to build")
    home = TOP / "build" / under / target.release
    home.mkdir(parents=True, exist_ok=True)
    with open(home / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _mirror(TOP / "uapi", home / "source/uapi")
        for name, source in sources().items():
            folder = home / "source" / name
            _mirror(source, folder)
            _kbuild(target, folder, options or [])
            fresh = home / f".{name}.ko"
            shutil.copy(folder / f"{name}.ko", fresh)
            fresh.rename(home / f"{name}.ko")
    return home


def main() -> None:
    """Build the modules for one kernel and print their folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("kernel", choices=kernel.NAMES)
    parser.add_argument("--under", default="module", help="folder of build/ to build in")
    parser.add_argument("option", nargs="*", help="further arguments of kbuild, such as C=2")
    arguments = parser.parse_args()
    try:
        print(build(kernel.get(arguments.kernel), arguments.option, arguments.under))
    except Failure as failure:
        print(f"guest: {failure}", file=sys.stderr)
        sys.exit(failure.outcome)


if __name__ == "__main__":
    main()
