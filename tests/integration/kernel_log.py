# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's log, from now on."""

import os
import re
import select
import time
from pathlib import Path


class KernelLog:
    """What the kernel logs after this was made."""

    def __init__(self) -> None:
        # Audit records count against it where no daemon takes them.
        Path("/proc/sys/kernel/printk_ratelimit").write_text("0", encoding="ascii")
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self._fd, 0, os.SEEK_END)
        self.lines: list[str] = []

    def close(self) -> None:
        """No more."""
        os.close(self._fd)

    def read(self) -> list[str]:
        """All lines so far."""
        while True:
            try:
                line = os.read(self._fd, 8192).decode(errors="replace")
            except BlockingIOError:
                return self.lines
            except BrokenPipeError:
                continue  # some were overwritten
            self.lines.append(line.partition(";")[2].splitlines()[0])

    def wait(self, pattern: str, seconds: float = 30.0) -> re.Match[str]:
        """The first line that matches."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            for line in self.read():
                if match := re.search(pattern, line):
                    return match
            poll.poll(1000)
        raise TimeoutError(f"no line matches {pattern}:\n" + "\n".join(self.lines))
