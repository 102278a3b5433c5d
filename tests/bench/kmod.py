# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loading our modules in the guest that measures."""

import json
import subprocess
import sys
import time
from pathlib import Path

SETTLES = 60
"""seconds; the module looks whether somebody traces when it is asked, so it is soon"""


def load(folder: Path, name: str) -> None:
    """Load a module."""
    subprocess.run(["insmod", folder / f"{name}.ko"], check=True)


def load_secmap(folder: Path) -> None:
    """Load the module, and wait until it spares tasks without a filter."""
    load(folder, "secmap")
    limit = time.monotonic() + SETTLES
    while True:
        done = subprocess.run(["secmapctl", "--json", "feature"], check=True,
                              stdout=subprocess.PIPE, text=True)
        selective = json.loads(done.stdout)["feature"]["module"]["selective"]
        if selective == "on":
            return
        if time.monotonic() > limit:
            sys.exit(f"bench: tasks without a filter are not spared: {selective}")
