# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest boots with: init, the drivers it needs first, and the job."""

import hashlib
import lzma
import subprocess
from collections.abc import Mapping
from pathlib import Path

import cache
from kernel import Kernel
from outcome import Failure, Outcome

_SOURCES = Path(__file__).resolve().parent / "init"
_COMPILE = ("gcc", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o")
_DRIVERS = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")


def _entry(name: str, mode: int, data: bytes) -> bytes:
    """One file in the `newc` format."""
    numbers = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08x" % number for number in numbers)
    head = header + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def archive(files: Mapping[str, bytes], folders: tuple[str, ...] = ()) -> bytes:
    """An archive that the kernel unpacks; several may follow each other."""
    out = b"".join(_entry(folder, 0o040755, b"") for folder in folders)
    out += b"".join(_entry(name, 0o100755, data) for name, data in files.items())
    out += _entry("TRAILER!!!", 0, b"")
    return out + b"\0" * (-len(out) % 512)


def _init() -> bytes:
    """The first process, compiled once for each state of its sources."""
    sources = sorted(_SOURCES.glob("*.c"))
    text = b"".join(path.read_bytes() for path in sorted(_SOURCES.glob("*.[ch]")))
    compiler = subprocess.run(["gcc", "--version"], check=True, stdout=subprocess.PIPE).stdout
    digest = hashlib.sha256(text + compiler + repr(_COMPILE).encode()).hexdigest()[:16]

    def make(folder: Path) -> None:
        done = subprocess.run([*_COMPILE, str(folder / "init"), *map(str, sources)], check=False)
        if done.returncode != 0:
            raise Failure(Outcome.SETUP, "the guest's first process does not compile")

    return (cache.produce(cache.root() / "init" / digest, make) / "init").read_bytes()


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


def _drivers(kernel: Kernel) -> list[Path]:
    """The drivers' files, each after those that it needs."""
    needs: dict[str, tuple[str, list[str]]] = {}
    for line in (kernel.modules / "modules.dep").read_text(encoding="ascii").splitlines():
        path, _, rest = line.partition(":")
        needs[_name(path)] = (path, rest.split())
    builtin = (kernel.modules / "modules.builtin").read_text(encoding="ascii").split()
    present = {_name(path) for path in builtin}
    order: list[str] = []
    for driver in _DRIVERS:
        if driver in present:
            continue
        if driver not in needs:
            raise Failure(Outcome.SETUP, f"the kernel {kernel.release} has no {driver}")
        path, others = needs[driver]
        # depmod lists what is needed last first.
        for one in (*reversed(others), path):
            if one not in order:
                order.append(one)
    return [kernel.modules / path for path in order]


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def build(kernel: Kernel, job: Mapping[str, bytes]) -> bytes:
    """The whole initramfs of one run; files of `job` appear under /job."""
    drivers = {f"drivers/{path.name}": _content(path) for path in _drivers(kernel)}
    basic = b"".join(b"/" + name.encode() + b"\0" for name in drivers)
    files = {"init": _init(), **drivers, "job/basic": basic}
    files.update({f"job/{name}": data for name, data in job.items()})
    return archive(files, ("drivers", "job"))
