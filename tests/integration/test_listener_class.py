#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmap::listener, the library's class for supervisors, on a listener of the module and on one of
the kernel's own seccomp."""

import subprocess
from collections.abc import Callable

import pytest

EXPECTED = """\
wait_quiet quiet
pid same
call 110 1
valid 1
respond_value ok
returned 1099511627776
valid_after 0
respond_again ENOENT
respond_errno ok
returned -18
respond_continue ok
returned parent
errno_0 EINVAL
errno_4096 EINVAL
unknown_value ENOENT
unknown_continue ENOENT
unknown_valid 0
unknown_fd ENOENT
bad_fd EBADF
bad_fd_flags EINVAL
respond_errno ok
returned -4095
add_fd ok
respond_value ok
same same
read 97
respond_fd ok
same same
read 98
add_fd_as {add_fd_as}
respond_value ok
returned 0
killed_valid 0
killed_value ENOENT
killed_fd ENOENT
wait_unused unused
wait_unused_bounded unused
null_receive ENOTTY
null_value ENOTTY
null_valid ENOTTY
take_letter ENODATA
take_from_nobody ENODATA
send_to_nobody EPIPE
"""


@pytest.mark.parametrize(("by", "add_fd_as"), [("secmap", "EOPNOTSUPP"), ("seccomp", "77")])
def test_everything_it_does(program: Callable[[str], str], by: str, add_fd_as: str) -> None:
    done = subprocess.run([program("supervise"), by], capture_output=True, text=True, check=False,
                          timeout=120)
    assert done.stderr == ""
    assert done.stdout.splitlines() == EXPECTED.format(add_fd_as=add_fd_as).splitlines()
    assert done.returncode == 0
