#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernels that guests boot, each with what modules are built against."""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cache
import debian
import debug
from outcome import Failure, Outcome

# Names on the command line, and the packages that name the newest image of each kind.
PACKAGES = {
    "6.1": "linux-image-amd64",
    "6.12": "linux-image-6.12-amd64",
    "6.1-rt": "linux-image-rt-amd64",
    "6.12-rt": "linux-image-6.12-rt-amd64",
    "6.1-cloud": "linux-image-cloud-amd64",
    "6.12-cloud": "linux-image-6.12-cloud-amd64",
}
DEBUG = "debug"
NAMES = (*PACKAGES, DEBUG)

# Debian's cloud kernels have no 9p: modules are built for them, guests cannot boot them.
BOOTABLE = tuple(name for name in NAMES if not name.endswith("-cloud"))

# Drivers of hardware that no guest has; they are most of an image's size.
_OMIT = [
    f"*/kernel/{folder}/*"
    for folder in ("drivers/gpu", "drivers/media", "drivers/infiniband", "drivers/scsi",
                   "drivers/net/wireless", "drivers/net/ethernet", "sound")
]


@dataclass(frozen=True)
class Kernel:
    """A kernel in the cache."""

    name: str
    folder: Path
    release: str
    vmlinuz: Path
    modules: Path
    """what is /lib/modules/RELEASE in the guest"""
    headers: Path
    """the folder that kbuild is started in"""


def _fill(target: Path, release: str, version: str) -> None:
    image = f"linux-image-{release}"
    headers = f"linux-headers-{release}"
    if (record := debian.fields(headers)) is None:
        raise Failure(Outcome.SETUP, f"apt does not know the package {headers}")
    # Debian's 6.12 headers depend on the image: to install them would change what the user's
    # machine boots. So all headers are unpacked beside their image, the same for each kernel.
    parts = debian.depends(record, r"linux-headers-.*-common(-rt)?|linux-kbuild-.*")
    versions = {part: found["Version"] for part in parts if (found := debian.fields(part))}
    debian.unpack(
        [f"{image}={version}", f"{headers}={version}",
         *(f"{part}={number}" for part, number in versions.items())],
        target, _OMIT,
    )
    makefile = target / "usr/src" / headers / "Makefile"
    text = makefile.read_text(encoding="ascii")
    beside = "include $(dir $(lastword $(MAKEFILE_LIST)))../"
    makefile.write_text(text.replace("include /usr/src/", beside), encoding="ascii")
    # As in the packages' own layout, but the guest finds them where they are.
    for link in ("build", "source"):
        (target / "lib/modules" / release / link).unlink(missing_ok=True)
    subprocess.run(["/sbin/depmod", "-b", str(target), release], check=True)
    (target / "release").write_text(release + "\n", encoding="ascii")


def _newest(name: str) -> Path:
    """The folder of the newest kernel of a kind; it is downloaded if it is not in the cache."""

    def find() -> debian.Found | None:
        meta = debian.fields(PACKAGES[name])
        images = debian.depends(meta, r"linux-image-[0-9].*-amd64") if meta else []
        record = debian.fields(images[0]) if images else None
        if record is None:
            return None
        release = images[0].removeprefix("linux-image-")
        version = record["Version"]

        def fill(target: Path) -> None:
            print(f"guest: downloading Debian's kernel {release} ({version}) into the cache",
                  file=sys.stderr, flush=True)
            _fill(target, release, version)

        return f"{release}_{version}", fill

    return debian.newest(name, cache.root() / "kernels", find)


def get(name: str) -> Kernel:
    """The kernel of one of NAMES; what is missing is downloaded or built."""
    if name == DEBUG:
        folder = debug.kernel()
        release = (folder / "release").read_text(encoding="ascii").strip()
        vmlinuz = folder / "vmlinuz"
        headers = folder / "build"
    else:
        folder = _newest(name)
        release = (folder / "release").read_text(encoding="ascii").strip()
        vmlinuz = folder / "boot" / f"vmlinuz-{release}"
        headers = folder / "usr/src" / f"linux-headers-{release}"
    build = folder / "lib/modules" / release / "build"
    if not build.is_symlink():
        with cache.locked(name):
            if not build.is_symlink():
                build.symlink_to(headers)
    return Kernel(name, folder, release, vmlinuz, folder / "lib/modules" / release, headers)


def main() -> None:
    """Print a kernel's release and folders, for scripts."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("field", choices=("release", "folder", "vmlinuz", "modules", "headers"))
    arguments = parser.parse_args()
    try:
        print(getattr(get(arguments.name), arguments.field))
    except Failure as failure:
        print(f"guest: {failure}", file=sys.stderr)
        sys.exit(failure.outcome)


if __name__ == "__main__":
    main()
