# SPDX-License-Identifier: LGPL-2.1-or-later
"""A process of several threads that makes the system calls that it is asked for: answers.py, from outside."""

import json
import subprocess
from pathlib import Path
from types import TracebackType

PROGRAM = Path(__file__).resolve().with_name("answers.py")


class Answering:
    """Such a process."""

    def __init__(self, threads: int, *options: str, prefix: tuple[str, ...] = (),
                 user: int | None = None) -> None:
        self.process = subprocess.Popen(
            [*prefix, "/usr/bin/python3", "-S", str(PROGRAM), str(threads), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=user)
        self.pid = self.process.pid
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self) -> "Answering":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, *numbers: int) -> tuple[list[int], list[int]]:
        """The errnos of the lasting threads, and of those that ended since the last question and
        began after it."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(numbers) + "\n")
        self.process.stdin.flush()
        lasting, passing = json.loads(self.process.stdout.readline())
        return lasting, passing

    def tids(self) -> set[int]:
        """Ids of its threads, as far as they can be listed."""
        return {int(path.name) for path in Path(f"/proc/{self.pid}/task").iterdir()}
