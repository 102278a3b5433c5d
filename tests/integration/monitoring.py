# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl monitor beside what it watches, in JSON."""

import json
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from tool import SUCCESS, TOOL, validate


class Monitor:
    """It watches from the beginning of `with` on, and ends with it."""

    def __init__(self, *options: str | Path) -> None:
        self.process = subprocess.Popen([TOOL, "--json", "monitor", *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.begin = self.next("begin")

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()

    def line(self) -> Any:
        """The next of what it shows; waits for it."""
        assert self.process.stdout
        document = json.loads(self.process.stdout.readline())
        validate(document, "monitor")
        return document["monitor"]

    def next(self, kind: str = "event") -> Any:
        """The same, of this kind."""
        line = self.line()
        assert list(line) == [kind], line
        return line[kind]

    def stop(self) -> list[Any]:
        """End it, and what it says to the end; the last is the end itself."""
        self.process.send_signal(signal.SIGINT)
        return self.rest()

    def rest(self) -> list[Any]:
        """What it says until it ends by itself."""
        assert self.process.stdout and self.process.stderr
        out = self.process.stdout.read()  # some of it may be in a buffer already, where communicate() does not look
        err = self.process.stderr.read()
        assert (self.process.wait(timeout=120), err) == (SUCCESS, "")
        lines = [json.loads(line) for line in out.splitlines()]
        for each in lines:
            validate(each, "monitor")
        return [each["monitor"] for each in lines]
