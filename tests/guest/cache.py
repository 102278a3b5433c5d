# SPDX-License-Identifier: LGPL-2.1-or-later
"""The user's cache: directories that are made once, whole or not at all."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path


def root() -> Path:
    """The project's folder in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "secmap"


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock `name` against other processes; it ends with the process at the latest."""
    folder = root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def produce(target: Path, make: Callable[[Path], None]) -> Path:
    """Return the directory `target`, letting `make` fill it first when it is not there.

    `make` works in a temporary neighbour that is renamed at the end, so a directory with the
    final name is always complete. Processes that want the same one wait for the first.
    """
    if target.is_dir():
        return target
    with locked(target.name):
        if target.is_dir():
            return target
        partial = target.with_name(target.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            make(partial)
            partial.rename(target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return target
