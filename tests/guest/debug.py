# SPDX-License-Identifier: LGPL-2.1-or-later
"""The debug kernel: built once from Debian's source package and debug.config."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cache
from outcome import Failure, Outcome

FRAGMENT = Path(__file__).resolve().parent / "debug.config"
PACKAGE = "linux-source-6.12"
TARBALL = Path("/usr/src") / f"{PACKAGE}.tar.xz"

# Raised when the steps below change what they make of the same inputs.
RECIPE = 1

# What a module is built against, as Debian's own headers packages have it.
_KEEP_FOLDERS = ("include/", "scripts/", "arch/x86/include/", "tools/objtool/objtool")
_KEEP_NAMES = re.compile(r"(Makefile|Kbuild|Kconfig).*|\.config|Module\.symvers|System\.map")


def options(text: str) -> dict[str, str]:
    """Every option that a configuration or a fragment names; one that is off is `n`."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if off := re.fullmatch(r"# (CONFIG_\w+) is not set", line):
            found[off[1]] = "n"
        elif on := re.fullmatch(r"(CONFIG_\w+)=(.*)", line):
            found[on[1]] = on[2]
    return found


def dropped(config: str) -> list[str]:
    """The fragment's options that `config` does not have as the fragment wants them."""
    have = options(config)
    want = options(FRAGMENT.read_text(encoding="ascii"))
    return [
        f"{name}={value} (is {have.get(name, 'n')})"
        for name, value in want.items()
        if have.get(name, "n") != value
    ]


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def identity() -> str:
    """The hash of all inputs of the build."""
    try:
        source = _output("dpkg-query", "-W", "-f", "${Version}", PACKAGE)
    except subprocess.CalledProcessError:
        raise Failure(Outcome.SETUP, f"the package {PACKAGE} is not installed") from None
    inputs = [str(RECIPE), source, _output("gcc", "--version"), _output("ld", "--version")]
    digest = hashlib.sha256("\0".join(inputs).encode() + FRAGMENT.read_bytes())
    return digest.hexdigest()[:16]


def _check(config: Path) -> None:
    if missing := dropped(config.read_text(encoding="ascii")):
        raise Failure(
            Outcome.SETUP, "kconfig dropped options of debug.config: " + ", ".join(missing)
        )


def _prune(tree: Path) -> None:
    """Leave of the built tree what building a module needs."""
    for folder, folders, names in os.walk(tree, topdown=False):
        for name in names:
            path = Path(folder, name)
            relative = str(path.relative_to(tree))
            kept = relative.startswith(_KEEP_FOLDERS) and not name.endswith((".o", ".a", ".cmd"))
            if not kept and not _KEEP_NAMES.fullmatch(name):
                path.unlink()
        for name in folders:
            path = Path(folder, name)
            if not path.is_symlink() and not any(path.iterdir()):
                path.rmdir()


def _build(target: Path) -> None:
    tree = target / "build"
    tree.mkdir()
    log = cache.root() / "debug-kernel.log"
    print(f"guest: building the debug kernel, once; about 14 minutes on two cores; log: {log}",
          file=sys.stderr, flush=True)
    with open(log, "wb") as output:

        def step(*command: str) -> None:
            try:
                subprocess.run(command, cwd=tree, check=True, stdin=subprocess.DEVNULL,
                               stdout=output, stderr=subprocess.STDOUT)
            except subprocess.CalledProcessError as error:
                raise Failure(
                    Outcome.SETUP, f"the debug kernel does not build: {command[0]}: see {log}"
                ) from error

        step("tar", "-xf", str(TARBALL), "--strip-components=1")
        step("make", "tinyconfig")
        step("scripts/kconfig/merge_config.sh", "-m", ".config", str(FRAGMENT))
        step("make", "olddefconfig")
        _check(tree / ".config")
        jobs = f"-j{len(os.sched_getaffinity(0))}"
        step("nice", "make", jobs, "bzImage", "modules")
        _check(tree / ".config")
    release = (tree / "include/config/kernel.release").read_text(encoding="ascii").strip()
    shutil.copy(tree / "arch/x86/boot/bzImage", target / "vmlinuz")
    shutil.copy(tree / ".config", target / "config")
    modules = target / "modules" / release
    modules.mkdir(parents=True)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(tree / name, modules / name)
    _prune(tree)
    subprocess.run(["/sbin/depmod", "-b", str(_depmod_base(target)), release], check=True)
    (target / "release").write_text(release + "\n", encoding="ascii")


def _depmod_base(target: Path) -> Path:
    """depmod insists on lib/modules below its base."""
    base = target / "lib"
    base.mkdir()
    (base / "modules").symlink_to("../modules")
    return target


def kernel() -> Path:
    """The folder of the debug kernel, which is built when it is not in the cache."""
    return cache.produce(cache.root() / "kernels" / f"debug-{identity()}", _build)


if __name__ == "__main__":
    print(kernel())
