# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian packages that are unpacked into the user's cache and never installed."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cache
from outcome import Failure, Outcome


def _run(*command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


def fields(package: str) -> dict[str, str] | None:
    """The newest record of a package in apt's lists, or None if they do not know it."""
    shown = _run("apt-cache", "--no-all-versions", "show", package)
    if shown.returncode != 0 or not shown.stdout.strip():
        return None
    return dict(re.findall(r"^([\w-]+): (.*)$", shown.stdout, re.MULTILINE))


def depends(record: dict[str, str], pattern: str) -> list[str]:
    """The names of a record's dependencies that match `pattern` whole; alternatives count too."""
    names = re.split(r"[,|]", record.get("Depends", ""))
    bare = [name.strip().split(" ")[0] for name in names]
    return [name for name in bare if re.fullmatch(pattern, name)]


def update() -> bool:
    """Read apt's lists anew; whether that went well."""
    command = ["apt-get", "-qq", "update"]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            return False
        command = ["sudo", "-n", *command]
    return _run(*command).returncode == 0


def _download(package: str, version: str, folder: Path) -> Path | None:
    """apt verifies what it downloads against the signed lists."""
    done = _run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
                f"{package}={version}", folder=folder)
    if done.returncode != 0:
        return None
    return next(folder.glob(f"{package}_*.deb"), None)


def unpack(packages: Sequence[str], target: Path, omit: Sequence[str] = ()) -> None:
    """Download packages, `name=version` each, and unpack them into `target`."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as name:
        for package, _, version in (entry.partition("=") for entry in packages):
            archive = _download(package, version, Path(name))
            if archive is None:
                raise Failure(Outcome.SETUP, f"apt-get cannot download {package} {version}")
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)],
                                  stdout=subprocess.PIPE) as reader:
                unpacked = subprocess.run(
                    ["tar", "-x", "--no-same-owner", "-C", str(target),
                     *(f"--exclude={pattern}" for pattern in omit)],
                    stdin=reader.stdout, check=False,
                )
            if reader.returncode != 0 or unpacked.returncode != 0:
                raise Failure(Outcome.SETUP, f"{archive.name} does not unpack")
            archive.unlink()


def cached(package: str) -> Path:
    """A folder in the cache with the newest version of one package, unpacked.

    Without apt's lists or its servers the newest one that is already there serves.
    """
    home = cache.root() / "packages"
    for attempt in range(2):
        if attempt and not update():
            break
        if (record := fields(package)) is None:
            continue
        version = record["Version"]
        target = home / f"{package}_{version.replace('/', '_')}"

        def fill(folder: Path, entry: str = f"{package}={version}") -> None:
            unpack([entry], folder)

        try:
            return cache.produce(target, fill)
        except Failure:
            continue
    kept = sorted(home.glob(f"{package}_*"), key=lambda path: path.stat().st_mtime)
    kept = [path for path in kept if not path.name.endswith(".partial")]
    if not kept:
        raise Failure(Outcome.SETUP, f"apt-get cannot download {package}, and none is cached")
    return kept[-1]
