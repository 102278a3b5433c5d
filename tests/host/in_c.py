# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters in C, compiled as docs/ebpf.md says."""

import subprocess
from pathlib import Path

from tool import TOP

EXAMPLES = TOP / "build/userland/docs/examples"
COMPILER = ("clang", "-O2", "-target", "bpf", "-mcpu=v3", "-D__x86_64__",
            "-I", str(TOP / "userland/include"), "-idirafter", "/usr/include/x86_64-linux-gnu")


def compile_filter(folder: Path, body: str, before: str = "", *flags: str,
                   debug: bool = True) -> Path:
    """An object of one function with this body, and this text in front of it."""
    source = folder / "filter.bpf.c"
    source.write_text(f"#include <secmap/bpf.h>\n{before}\n"
                      "SECMAP_FILTER unsigned int filter(const struct seccomp_data *call)\n"
                      f"{{\n\t{body}\n}}\n", encoding="ascii")
    return compile_file(source, *flags, debug=debug)


def compile_file(source: Path, *flags: str, debug: bool = True) -> Path:
    """The object of a whole file."""
    made = source.with_suffix(".o")
    subprocess.run([*COMPILER, *(["-g"] if debug else []), *flags, "-c", source, "-o", made],
                   check=True, timeout=120)
    return made
