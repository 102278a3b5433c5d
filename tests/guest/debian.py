# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian packages that are unpacked into the user's cache and never installed."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cache
from outcome import Failure, Outcome

Found = tuple[str, Callable[[Path], None]]
"""The name of a folder, and what fills it."""


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


def newest(name: str, home: Path, find: Callable[[], Found | None]) -> Path:
    """The newest version of something that is made of packages, as a folder below `home`.

    `find` asks apt: it says what the folder is called and how it is filled, or None when apt's
    lists do not know it. They are read anew when they are too old to download from. apt is
    asked only when its lists are newer than the last answer, which is kept as the link `name`.
    Without the lists, or without their servers, what is in the cache serves.
    """
    latest = home / name
    lists = Path("/var/lib/apt/lists")
    if latest.is_dir() and lists.exists() and latest.lstat().st_mtime > lists.stat().st_mtime:
        return latest.resolve()
    problem = "apt does not know it"
    for attempt in range(2):
        if attempt and not update():
            break
        if (found := find()) is None:
            continue
        version, fill = found
        try:
            folder = cache.produce(home / version, fill)
        except Failure as failure:
            problem = str(failure)
            continue
        with cache.locked(name):
            latest.unlink(missing_ok=True)
            latest.symlink_to(folder.name)
        return folder
    if latest.is_dir():
        return latest.resolve()
    raise Failure(Outcome.SETUP, f"{name} is not in the cache and cannot be downloaded: {problem}")


def programs(names: Sequence[str]) -> Path:
    """Packages of programs, unpacked together into one folder of the cache."""

    def find() -> Found | None:
        entries = []
        for name in names:
            if (record := fields(name)) is None:
                return None
            entries.append(f"{name}={record['Version']}")
        # A colon, as in an epoch, would end a name in $PATH.
        folder = "_".join(entries).replace("/", "_").replace(":", "%3a")
        return folder, lambda target: unpack(entries, target)

    return newest(names[0], cache.root() / "programs", find)
