# SPDX-License-Identifier: LGPL-2.1-or-later
"""secmapctl table list, show, update and seal: what they answer, and what they do."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import abi
import child
import pytest
import tables
from abi import ERRNO
from child import Child, gate
from tool import FAILURE, USAGE, error_of, json_of, secmapctl, text_of

SOCKET, PERSONALITY = 41, 135
Keep = Callable[[int], int]


def _profile(tmp_path: Path) -> str:
    """Some families of socket(2) are allowed."""
    families = [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"} for value in (1, 4, 10, 16, 20, 30)]
    path = tmp_path / "families.json"
    path.write_text(json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "args": [one]}
                     for one in families]}), encoding="utf-8")
    return str(path)


@contextmanager
def _held(profile: str, pid: int) -> Iterator[int]:
    """Under a policy of this profile: the id of its only table."""
    ident = json_of("attach", "attach", "--pid", str(pid), "--profile", profile)["policy"]
    (table,) = json_of("policy-show", "policy", "show", str(ident))["table_ids"]
    yield table


@pytest.fixture(name="table")
def _table(dev: int, keep: Keep) -> int:
    made = keep(abi.table_create(dev, [1, 2], room=5, name="mine"))
    keep(tables.maps(dev, made))
    return tables.ident(dev, made)


def test_a_set_of_a_profile_while_it_is_carried(tmp_path: Path) -> None:
    """Found by its name, changed by the names of constants; the process notices at its next call."""
    with gate() as go, gate() as said:
        def task() -> None:
            while True:
                go.wait(600)
                said.open(bytes(abi.raw_syscall(SOCKET, family, 2, 0) == -97 for family in (1, 10, 16, 40)))

        def ask() -> list[bool]:
            go.open()
            return [bool(each) for each in said.wait()]

        with Child(task) as one, _held(_profile(tmp_path), one.pid) as table:
            facts = json_of("table-show", "table", "show", "socket.0")
            assert (facts["id"], facts["keys"], facts["policies"]) == (
                table, ["0x1", "0x4", "0xa", "0x10", "0x14", "0x1e"], 1)
            assert facts["max_entries"] > 1000
            assert ask() == [True, True, True, False]
            assert json_of("table-update", "table", "update", "socket.0", "--add", "AF_VSOCK", "--remove",
                           "AF_INET6", "0x1") == {
                "table": table, "table_name": "socket.0", "entries": 5, "policies": 1, "tasks": 1,
                "stacks": 1}
            assert ask() == [False, False, True, True]
            assert text_of("table", "update", str(table), "--whole", "--add", "10").splitlines() == [
                f"table {table} (socket.0) has 1 key now: it had 5",
                "    1 task and 1 stack changed at once, of 1 policy"]
            assert ask() == [False, True, False, False]


def test_list_and_show(dev: int, table: int) -> None:
    (facts,) = [each for each in json_of("table-list", "table", "list") if each["id"] == table]
    assert facts == {
        "id": table, "name": "mine", "type": "hash", "max_entries": 5, "entries": 2, "policies": 1,
        "sealed": False, "uid": 0, "bytes": facts["bytes"]}
    assert json_of("table-show", "table", "show", "mine") == {
        **facts, "keys": ["0x1", "0x2"], "values": ["0x0", "0x0"]}
    assert f"{table}  mine " in text_of("table", "list")
    shown = text_of("table", "show", str(table)).splitlines()
    assert shown[0] == f"table {table} (mine): hash, 2 keys of 5"
    assert shown[-1].split() == ["0x1", "0x2"]
    secmapctl("table", "update", "mine", "--add", "7=0x9")
    assert text_of("table", "show", "mine").splitlines()[-1].split() == ["0x1=0x0", "0x2=0x0", "0x7=0x9"]
    assert len(tables.listed(dev)) == len(json_of("table-list", "table", "list"))


def test_from_a_file(tmp_path: Path, table: int) -> None:
    path = tmp_path / "keys"
    path.write_text("# what may be\n\n3=4  # three\n0x10\n  AF_INET6\n", encoding="utf-8")
    update = ("table", "update", str(table), "--whole", "--from")
    assert json_of("table-update", *update, str(path))["entries"] == 3
    facts = json_of("table-show", "table", "show", str(table))
    assert (facts["keys"], facts["values"]) == (["0x3", "0xa", "0x10"], ["0x4", "0x0", "0x0"])
    assert secmapctl(*update, "-", stdin="1\n").status == 0
    assert json_of("table-show", "table", "show", str(table))["keys"] == ["0x1"]


@pytest.mark.parametrize(("arguments", "text"), [
    (("--remove", "9"), "the module refused it: remove[0]: key 0x9 is not in the table"),
    (("--add", "3", "3"), "the module refused it: keys[1]: key 0x3 is given twice"),
    (("--add", "3", "4", "5", "6"), "the module refused it: it would hold 6 keys, above its max_entries 5"),
    (("--add", "AF_NONE"), "'AF_NONE' is neither a number nor the name of a constant"),
    (("--add", "3="), "'' is neither a number nor the name of a constant"),
    (("--from", "/nowhere"), "No such file or directory"),
])
def test_refusals(table: int, arguments: tuple[str, ...], text: str) -> None:
    """With what to do about it; and nothing has changed."""
    error = error_of("table", "update", str(table), *arguments, status=FAILURE)
    assert error["text"] == text
    assert error["hint"] or error["operation"] == "open /nowhere"
    assert json_of("table-show", "table", "show", str(table))["keys"] == ["0x1", "0x2"]


def test_command_lines_that_are_none(table: int) -> None:
    for arguments in ((), ("--whole", "--remove", "1"), ("--add",)):
        assert secmapctl("table", "update", str(table), *arguments).status == USAGE, arguments


def test_names_and_ids(dev: int, keep: Keep, table: int) -> None:
    twin = tables.ident(dev, keep(abi.table_create(dev, [1], name="mine")))
    assert error_of("table", "show", "mine", status=FAILURE)["text"] == (
        f"several tables have this name: {table}, {twin}")
    for wanted, text in (("nobody", "no table has this name"), ("0", "no table has this id"),
                         ("99999999999", "no table has this id")):
        assert error_of("table", "show", wanted, status=FAILURE)["text"] == text


def test_seal(dev: int, table: int) -> None:
    assert json_of("table-seal", "table", "seal", "mine") == {"table": table, "table_name": "mine"}
    error = error_of("table", "update", "mine", "--add", "3", status=FAILURE)
    assert (error["errno_name"], error["text"]) == (
        "EPERM", f"the module refused it: table {table} is sealed")
    assert json_of("table-show", "table", "show", "mine")["sealed"]
    assert "sealed" in text_of("table", "list")
    assert tables.listed(dev)


def test_who_is_filtered_or_nobody(dev: int, keep: Keep, table: int) -> None:
    policy = keep(abi.simple(dev, {PERSONALITY: ERRNO | 1}))

    def filtered() -> str:
        abi.attach(dev, policy)
        return str(error_of("table", "update", str(table), "--add", "3", status=FAILURE)["text"])

    def nobody() -> list[str]:
        child.become_nobody()
        os.environ["HOME"] = "/"
        return [str(error_of("table", *command, status=FAILURE)["errno_name"])
                for command in (("list",), ("show", str(table)), ("update", str(table), "--add", "3"))]

    assert "the caller is filtered" in child.value(filtered)
    assert child.value(nobody) == ["EPERM"] * 3
