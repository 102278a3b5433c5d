#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters in C: what is read from their object files, what they decide, and why what is refused is.
Needs no device."""

import os
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from in_c import EXAMPLES, compile_file, compile_filter
from tool import (FAILURE, PODMAN, SUCCESS, TOOL, TOP, USAGE, error_of, json_of, secmapctl,
                  text_of)

EINVAL, EEXIST, E2BIG = 22, 17, 7
ALLOW = "ALLOW"
NAMES = ("container", "errnos", "ioctls", "live", "no-exec", "sockets")

AF_UNIX, AF_INET, AF_NETLINK, AF_VSOCK = 1, 2, 16, 40
SOCK_STREAM, SOCK_RAW, SOCK_CLOEXEC = 1, 3, 0o2000000
TIOCGWINSZ, TIOCSTI, KVM_RUN = 0x5413, 0x5412, 0xAE80
CLONE_THREAD, CLONE_VM = 0x10000, 0x100
UPPER_HALF = 0xFFFFFFFF00000000


def example(name: str) -> Path:
    """An object that the build has made."""
    path = EXAMPLES / f"{name}.bpf.o"
    assert path.exists(), "the build makes it where there is clang"
    return path


def answer(file: Path, call: str | int, *args: int, abi: str = "x86_64", more: tuple[str, ...] = ()
           ) -> str:
    """What a filter says, as "ALLOW", "ERRNO EPERM"; in words it says the same."""
    arguments = ["prog", "test", str(file), "--call", str(call), "--abi", abi, *more]
    for index, value in enumerate(args):
        arguments += ["--arg", f"{index}={value:#x}"]
    found = json_of("prog-test", *arguments)
    action = found["action"]
    text = text_of(*arguments)
    assert f"answer     {action['name']}" in text
    assert ("whatever the arguments are" in text) == found["whatever_arguments"]
    return " ".join([action["name"], *([action["errno_name"]] if "errno_name" in action else [])])


def refusal(file: Path, command: str = "check", *more: str) -> Any:
    """The error about a file."""
    return error_of("prog", command, file, *more)


def check(file: Path, *more: str) -> Any:
    """What `prog check` says; in words it says the same."""
    found = json_of("prog-check", "prog", "check", file, *more)
    text = text_of("prog", "check", file, *more)
    assert text.startswith(f"{file}: good\n")
    for table in found["tables"]:
        assert f": {table['name']}, " in text
    return found


def tables(file: Path, *more: str) -> dict[str, Any]:
    """The tables of an object, by name, with their contents."""
    return {each["name"]: each for each in
            json_of("prog-dump", "prog", "dump", file, *more)["tables"]}


# Examples

@pytest.mark.parametrize("name", NAMES)
def test_examples_are_good(name: str) -> None:
    found = check(example(name))
    assert found["kind"] == "ebpf"
    assert found["name"] == name.replace("-", "_")
    assert "nr" in found["fields"] and "arch" in found["fields"]


def test_every_example_is_built_and_asked() -> None:
    sources = {path.name.removesuffix(".bpf.c") for path in (TOP / "docs/examples").glob("*.c")}
    assert sources == set(NAMES)


@pytest.mark.parametrize(("args", "expected"), [
    ((AF_UNIX, SOCK_STREAM), ALLOW),
    ((AF_INET, SOCK_STREAM | SOCK_CLOEXEC), ALLOW),
    ((AF_INET | UPPER_HALF, SOCK_STREAM), ALLOW),
    ((AF_INET, SOCK_RAW), "ERRNO ESOCKTNOSUPPORT"),
    ((AF_NETLINK, SOCK_RAW), "ERRNO EAFNOSUPPORT"),
    ((AF_VSOCK, SOCK_STREAM), "ERRNO EAFNOSUPPORT"),
    ((0xFFFFFFFF, SOCK_STREAM), "ERRNO EAFNOSUPPORT"),
])
def test_sockets(args: tuple[int, ...], expected: str) -> None:
    for call in ("socket", "socketpair"):
        assert answer(example("sockets"), call, *args) == expected
    assert answer(example("sockets"), "getpid", *args) == ALLOW
    assert answer(example("sockets"), "socket", *args, abi="i386") == "KILL_PROCESS"


@pytest.mark.parametrize(("wanted", "expected"), [
    (TIOCGWINSZ, ALLOW), (KVM_RUN, ALLOW), (KVM_RUN | UPPER_HALF, ALLOW),
    (TIOCSTI, "ERRNO ENOTTY"), (0, "ERRNO ENOTTY"), (0xFFFFFFFF, "ERRNO ENOTTY"),
])
def test_ioctls(wanted: int, expected: str) -> None:
    assert answer(example("ioctls"), "ioctl", 3, wanted) == expected


def test_the_ioctls_are_two_hundred() -> None:
    requests = tables(example("ioctls"))["requests"]
    assert len(set(requests["keys"])) == len(requests["keys"]) == requests["max_entries"] == 200
    for key in requests["keys"][::20]:
        assert answer(example("ioctls"), "ioctl", 0, int(key, 16)) == ALLOW


@pytest.mark.parametrize(("call", "args", "expected"), [
    ("fork", (), "ERRNO EPERM"), ("vfork", (), "ERRNO EPERM"), ("execve", (), "ERRNO EPERM"),
    ("execveat", (), "ERRNO EPERM"), ("clone", (CLONE_VM,), "ERRNO EPERM"),
    ("clone", (CLONE_VM | CLONE_THREAD,), ALLOW), ("clone3", (), "ERRNO ENOSYS"),
    ("wait4", (), ALLOW), ("getpid", (), ALLOW), ("exit", (), ALLOW),
])
def test_no_exec(call: str, args: tuple[int, ...], expected: str) -> None:
    assert answer(example("no-exec"), call, *args) == expected


@pytest.mark.parametrize(("call", "expected"), [
    ("mount", "ERRNO EPERM"), ("ptrace", "ERRNO ESRCH"), ("bpf", "ERRNO ENOSYS"),
    ("perf_event_open", "ERRNO EACCES"), ("kexec_load", "KILL_PROCESS"), ("read", ALLOW),
])
def test_errnos(call: str, expected: str) -> None:
    assert answer(example("errnos"), call) == expected
    assert answer(example("errnos"), call, abi="x32") == "KILL_PROCESS"


def test_the_container_is_podmans_profile() -> None:
    image = json_of("policy-compile", "policy", "compile", PODMAN)["image"]
    (profile,) = [each for each in image["sections"] if each["abi"] == "x86_64"]
    dump = json_of("prog-dump", "prog", "dump", example("container"))
    (allowed,) = [each for each in dump["allowed"] if each["abi"] == "x86_64"]
    assert {each["nr"] for each in allowed["calls"]} == {each["nr"] for each in profile["allow"]}
    refused = {int(key, 16) for key in tables(example("container"))["refused"]["keys"]}
    assert refused == {each["nr"] for each in profile["rules"]
                       if not each["conditions"] and each["action"].get("errno_name") == "EPERM"}
    # What is left of the rules.
    assert {each["name"] for each in profile["rules"] if each["nr"] not in refused} == {
        "socket", "personality"}


@pytest.mark.parametrize(("call", "args"), [
    ("socket", (AF_NETLINK, SOCK_RAW, 9)), ("socket", (AF_NETLINK, SOCK_RAW, 0)),
    ("socket", (AF_INET, SOCK_RAW, 9)), ("socket", (AF_NETLINK | UPPER_HALF, SOCK_RAW, 9)),
    *(("personality", (value,)) for value in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF, 1,
                                              0xFFFFFFFFFFFFFFFF, 8 | UPPER_HALF)),
    ("clone3", ()), ("bpf", ()), ("acct", ()), (1000, ()),
])
def test_the_container_decides_as_podmans_profile(call: str | int, args: tuple[int, ...]) -> None:
    arguments = ["explain", "--profile", str(PODMAN), "--call", str(call)]
    for index, value in enumerate(args):
        arguments += ["--arg", f"{index}={value:#x}"]
    action = json_of("explain", *arguments)["action"]
    found = json_of("prog-test", "prog", "test", example("container"), *arguments[3:])
    assert found["action"] == action


# Tables

def test_tables_are_what_is_declared(tmp_path: Path) -> None:
    file = compile_filter(tmp_path, "return secmap_test_bit(&bits, call->nr) + "
                          "secmap_test_bit(&room, call->nr) + secmap_lookup(&set, call->nr, 0) + "
                          "secmap_lookup(&hash, call->nr, 0) + secmap_lookup(&empty, 1, 0);", """
        SECMAP_BITMAP(bits, 3, 64, 5);
        SECMAP_BITMAP_SIZED(room, 4096);
        SECMAP_SET(set, 7, 0xffffffffffffffff);
        SECMAP_HASH(hash, {1, 2}, {0x100000000, 0xffffffffffffffff});
        static SECMAP_HASH_SIZED(empty, 100);
        SECMAP_BITMAP(unused, 1);""")
    found = tables(file)
    assert [found[each]["type"] for each in ("bits", "room", "set", "hash", "empty")] == [
        "bitmap", "bitmap", "hash", "hash", "hash"]
    assert {name: each["max_entries"] for name, each in found.items()} == {
        "bits": 65, "room": 4096, "set": 2, "hash": 2, "empty": 100, "unused": 2}
    assert found["bits"]["keys"] == ["0x3", "0x40", "0x5"] and found["bits"]["values"] == []
    assert found["set"]["keys"] == ["0x7", "0xffffffffffffffff"]
    assert found["set"]["values"] == ["0x1", "0x1"]
    assert found["hash"]["values"] == ["0x2", "0xffffffffffffffff"]
    assert found["room"]["keys"] == found["empty"]["keys"] == []


@pytest.mark.parametrize(("declared", "number", "text"), [
    ("SECMAP_BITMAP(t, 1 << 20);", EINVAL, "bit 0x100000 is not below 1048576"),
    ("SECMAP_BITMAP_SIZED(t, 8, 8);", EINVAL, "it has room for 8, and its contents need 9"),
    ("SECMAP_HASH_SIZED(t, 1, {1, 1}, {2, 2});", EINVAL,
     "it has room for 1, and its contents need 2"),
    ("SECMAP_HASH_SIZED(t, 2000000);", EINVAL, "it has 2000000 keys, more than 1048576"),
    ("SECMAP_HASH(t);", EINVAL, "it is empty"),
    ("SECMAP_SET(t, 5, 5);", EEXIST, "0x5"),
    ("struct { SECMAP_UINT(type, 7); } t SECMAP_TABLE;", EINVAL, "there is no type 7 of tables"),
    ("struct { int x; } t SECMAP_TABLE;", EINVAL,
     "its member 'x' is not one that a table has"),
    ("struct { SECMAP_UINT(type, 1); int entries[3]; } t SECMAP_TABLE;", EINVAL,
     "its member 'entries' is not one that a table has"),
    ("struct { SECMAP_UINT(type, 0); __u64 keys[1]; } t SECMAP_TABLE = {.keys = {1}};", EINVAL,
     "its member 'keys' is that of another type of table"),
    ("struct { SECMAP_UINT(max_entries, 4); } t SECMAP_TABLE;", EINVAL, "it has no type"),
    ("struct { long type; } t SECMAP_TABLE = {1};", EINVAL, "'type' is not of SECMAP_UINT()"),
    ("int t SECMAP_TABLE = 1;", EINVAL, "its BTF does not say what it is"),
])
def test_tables_that_are_refused(tmp_path: Path, declared: str, number: int, text: str) -> None:
    file = compile_filter(tmp_path, "return secmap_lookup(&t, 0, 0);", declared)
    error = refusal(file)
    assert error["errno"] == number
    assert error["text"].startswith(f"{file}: table 't': ") and text in error["text"], error


def test_maps_take_the_place_of_hashes(tmp_path: Path) -> None:
    file = compile_filter(
        tmp_path, "return secmap_lookup(&map, call->nr, secmap_lookup(&hash, 1, 0))"
        " + secmap_test_bit(&bits, 1);",
        'SECMAP_BPF_MAP(map, "/sys/fs/bpf/here");\nSECMAP_HASH(hash, {1, 1});\n'
        "SECMAP_BITMAP(bits, 1);")
    found = tables(file, "--map", "hash=/sys/fs/bpf/there=0")
    assert (found["map"]["type"], found["map"]["pin"]) == ("bpf_map", "/sys/fs/bpf/here")
    assert (found["hash"]["type"], found["hash"]["pin"]) == ("bpf_map", "/sys/fs/bpf/there=0")
    assert "table 0: map, a BPF map, pinned at /sys/fs/bpf/here" in text_of("prog", "check", file)
    # Nothing is predicted that asks a map.
    assert [each["count"] for each in check(file)["allowed"]] == [0, 0, 0]
    assert "no table 'other'" in refusal(file, "check", "--map", "other=/x")["text"]
    assert "'bits' is a bitmap" in refusal(file, "check", "--map", "bits=/x")["text"]
    error = refusal(file, "test", "--call", "read", "--map", f"map={tmp_path}/none")
    assert error["operation"] == f"open map {tmp_path}/none"
    for bad in ("hash", "=x", "hash="):
        usage = error_of("prog", "check", file, "--map", bad, status=USAGE)
        assert "is not NAME=PATH" in usage["text"]


def test_a_map_that_nobody_has_named(tmp_path: Path) -> None:
    file = compile_filter(tmp_path, "return secmap_lookup(&map, 0, 0);",
                          'SECMAP_BPF_MAP(map, "");')
    assert check(file)["tables"][0]["pin"] is None
    assert "--map map=" in refusal(file, "test", "--call", "read")["hint"]


# References that are not supported: by name and line

@pytest.mark.parametrize(("before", "body", "text"), [
    ("static const int codes[] = {1, 2, 3, 4};", "return codes[call->nr & 3];",
     "it uses the variable 'codes' of .rodata"),
    ("static int counter;", "return counter++;", "it uses the variable 'counter' of .bss"),
    ("int global = 3;", "return global;", "it uses the variable 'global' of .data"),
    ('extern int option __attribute__((section(".kconfig")));', "return option;",
     "it uses 'option', which is not in the object"),
    ('extern int kfunc(int) __attribute__((section(".ksyms")));', "return kfunc(3);",
     "it calls 'kfunc', which is not in the object"),
    ('static __attribute__((noinline)) int helper(int a) { asm volatile(""); return a; }',
     "return helper(call->nr);", "it calls the function 'helper'"),
    ('__attribute__((noinline)) int other(int a) { asm volatile(""); return a; }',
     "return other(call->nr);", "it calls the function 'other'"),
    ("struct at { int a, b; } __attribute__((preserve_access_index));",
     "return ((const struct at *)call)->b;", "CO-RE would have to fit the place of a field"),
])
def test_references_that_are_not_supported(tmp_path: Path, before: str, body: str, text: str
                                           ) -> None:
    file = compile_filter(tmp_path, body, before)
    error = refusal(file)
    assert error["errno"] == EINVAL
    assert re.match(rf"{re.escape(str(tmp_path))}/filter\.bpf\.c:5: {re.escape(text)}",
                    error["text"]), error
    assert error["hint"] != ""


def test_without_debug_information_the_instruction_is_named(tmp_path: Path) -> None:
    file = compile_filter(tmp_path, "return counter++;", "static int counter;", debug=False)
    assert re.match(rf"{re.escape(str(file))}: insn \d+: it uses the variable 'counter' of .bss",
                    refusal(file)["text"])
    file = compile_filter(tmp_path, "return call->nr;", debug=False)
    assert check(file)["instructions"] == 2
    file = compile_filter(tmp_path, "return secmap_lookup(&set, 1, 0);", "SECMAP_SET(set, 1);",
                          debug=False)
    assert refusal(file)["text"] == f"{file}: it has tables, and no BTF that says what they are"


# Objects

def test_an_object_has_one_filter(tmp_path: Path) -> None:
    one = "SECMAP_FILTER unsigned int {}(const struct seccomp_data *call) {{ return call->nr; }}\n"
    source = tmp_path / "x.c"
    head = "#include <secmap/bpf.h>\n"
    source.write_text(head + one.format("a") + one.format("b"), encoding="ascii")
    assert "it has 2 filters: 'a', 'b'" in refusal(compile_file(source))["text"]
    source.write_text(head + "int f(void) { return 1; }\n", encoding="ascii")
    assert "there is no filter in it" in refusal(compile_file(source))["text"]
    source.write_text(head + 'int f __attribute__((section("secmap"))) = 1;\n', encoding="ascii")
    assert "its section 'secmap' is not code" in refusal(compile_file(source))["text"]


def test_files_that_are_no_objects(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in (b"", b"\x7fELF", b"text" * 100, b"\x7fELF\x02\x01\x01" + bytes(200)):
        file.write_bytes(content)
        assert refusal(file)["errno"] == EINVAL
    assert "it is not for BPF" in refusal(Path("/bin/true"))["text"]
    assert "No such file" in refusal(tmp_path / "none")["text"]
    assert "Is a directory" in refusal(tmp_path)["text"]
    done = secmapctl("prog", "check", "-", stdin="no object")
    assert done.status == FAILURE and "standard input: it is not an ELF file" in done.err


def test_damaged_objects_are_an_answer(tmp_path: Path) -> None:
    """One process each; unit/ebpf_object_mutated does the same by the thousand."""
    seed = int(os.environ.get("SECMAP_SEED", "0"), 0) or random.randrange(1 << 32)
    print(f"SECMAP_SEED={seed:#x}")
    chance = random.Random(seed)
    whole = example("container").read_bytes()
    file = tmp_path / "damaged.o"
    outcomes = set()
    for _ in range(100):
        content = bytearray(whole[:chance.choice((len(whole), chance.randrange(len(whole))))])
        for _ in range(chance.randrange(4)):
            if content:
                content[chance.randrange(len(content))] = chance.randrange(256)
        file.write_bytes(content)
        # Names in it need not be text any more.
        done = subprocess.run([TOOL, "prog", "dump", file], capture_output=True, check=False,
                              timeout=60)
        assert done.returncode in (SUCCESS, FAILURE), (done, seed)
        assert done.returncode == SUCCESS or done.stderr.startswith(b"secmapctl: ")
        outcomes.add(done.returncode)
    assert outcomes == {SUCCESS, FAILURE}


# The verifier's refusals

@pytest.mark.parametrize(("body", "text"), [
    ("return call->args[call->nr & 3];", "call->args[call->nr & 3]"),
    ("for (int i = 0; ; i++) if (call->args[0] == secmap_lookup((void *)call, i, 0)) return i;",
     "secmap_lookup"),
    ("char s[300]; for (int i = 0; i < 300; i++) ((volatile char *)s)[i] = call->nr;"
     "return s[call->nr & 255];", ""),
    ("static unsigned (*const f)(int) = (void *)77; return f(call->nr);", "f(call->nr)"),
])
def test_refusals_name_the_line(tmp_path: Path, body: str, text: str) -> None:
    file = compile_filter(tmp_path, body)
    error = refusal(file)
    assert error["operation"] == "verify program"
    assert re.match(rf"{re.escape(str(tmp_path))}/filter\.bpf\.c:\d+: insn \d+: ", error["text"])
    assert text in error["text"]
    # It is shown all the same, with the reason.
    dump = json_of("prog-dump", "prog", "dump", file)
    assert dump["allowed"] is None and dump["refused"] == error["text"]
    assert f"the module would not take it: {error['text']}" in text_of("prog", "dump", file)


def test_a_program_that_is_too_long(tmp_path: Path) -> None:
    file = compile_filter(tmp_path, 'asm volatile(".rept 4096\\n r0 = 0\\n.endr"); return 0;')
    assert "instructions, more than 4096" in refusal(file)["text"]


# Dumps

def targets(dump: Any) -> list[tuple[int, int]]:
    """Of all jumps: from, to."""
    return [(each["index"], int(found[1])) for each in dump["instructions"]
            if (found := re.search(r"goto (\d+)$", each["text"]))]


@pytest.mark.parametrize("name", NAMES)
def test_dumps_show_lines_names_and_forward_jumps(name: str) -> None:
    dump = json_of("prog-dump", "prog", "dump", example(name))
    assert all(to > where for where, to in targets(dump))
    lines = (TOP / "docs/examples" / f"{name}.bpf.c").read_text(encoding="ascii").splitlines()
    text = text_of("prog", "dump", example(name))
    for each in dump["instructions"]:
        assert each["file"].endswith(f"/{name}.bpf.c") or each["text"] == ""
        if each["text"]:
            assert f"{each['index']:>6}  {each['text']}" in text
            assert f":{each['line']}: {lines[each['line'] - 1].strip()}\n" in text
    comments = {each["comment"] for each in dump["instructions"]}
    assert {"arch", "nr", "x86_64", ALLOW} <= comments
    assert {table["name"] for table in dump["tables"]} <= comments


def test_blocks_are_put_in_order(tmp_path: Path) -> None:
    """As clang may lay them out, with a jump back though there is no loop."""
    source = tmp_path / "back.bpf.c"
    source.write_text("""#include <secmap/bpf.h>
        SECMAP_FILTER __attribute__((naked)) unsigned int filter(const struct seccomp_data *call)
        {
            asm volatile("r2 = *(u32 *)(r1 + 0)\\n goto 2f\\n1: r0 = 7 ll\\n exit\\n"
                         "2: if r2 == 5 goto 1b\\n r0 = 9\\n exit\\n");
        }
        """, encoding="ascii")
    file = compile_file(source)
    assert all(to > where for where, to in targets(json_of("prog-dump", "prog", "dump", file)))
    assert json_of("prog-test", "prog", "test", file, "--call", "5")["action"]["value"] == 7
    assert json_of("prog-test", "prog", "test", file, "--call", "6")["action"]["value"] == 9


def test_what_is_written_is_the_code(tmp_path: Path) -> None:
    out = tmp_path / "code"
    file = example("errnos")
    dump = json_of("prog-dump", "prog", "dump", file, "--output", out)
    assert dump["written_to"] == str(out)
    code = out.read_bytes()
    assert len(code) == 8 * len(dump["instructions"])
    for each in dump["instructions"]:
        insn = code[8 * each["index"]:][:8]
        assert insn[0] == each["code"] and insn[1] == each["dst"] | each["src"] << 4
        assert int.from_bytes(insn[4:], "little", signed=True) == each["imm"]
    assert text_of("prog", "dump", file, "--output", out) == (
        f"{out}: {len(dump['instructions'])} instructions written\n")


def test_a_program_is_named_once() -> None:
    for command in ("check", "load", "dump", "test"):
        more = ("--call", "read") if command == "test" else ()
        error_of("prog", command, example("errnos"), "--cbpf", "x", *more, status=USAGE)
    error_of("run", "--prog", "x", "--cbpf", "y", "--", "true", status=USAGE)
    error_of("run", "--prog", "x", "--profile", "y", "--", "true", status=USAGE)


@pytest.mark.parametrize("body", ["return set.keys[1];",
                                  "return secmap_lookup(&set.keys[1], 1, 0);"])
def test_the_inside_of_a_table_is_nobodys(tmp_path: Path, body: str) -> None:
    text = refusal(compile_filter(tmp_path, body, "SECMAP_SET(set, 1, 2);"))["text"]
    assert "filter.bpf.c:5: insn " in text and "holds table 0, not " in text and body in text
