#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists that stand in several places say the same everywhere: the ABI's header, the library, the
tool's help, the manual pages, the completion and the schemas."""

import json
import re
import subprocess
from collections.abc import Iterable
from functools import cache

import pytest
from tool import SCHEMAS, TOP, USAGE, secmapctl, text_of

HEADER = (TOP / "uapi/secmap/secmap.h").read_text(encoding="utf-8")
MAN = (TOP / "man/secmapctl.8").read_text(encoding="utf-8")
MAN_DEVICE = (TOP / "man/secmap.4").read_text(encoding="utf-8")
COMPLETION = TOP / "ctl/completion/secmapctl.bash"
LIBRARY = {path.name: path.read_text(encoding="utf-8")
           for folder in ("userland/include/secmap", "userland/src")
           for path in (TOP / folder).glob("*.[ch]pp")}

# Commands that `--help` lists commands for.
OBJECTS = ("policy", "prog", "table", "task", "stats")
# No command's answer, or not the only one.
OTHER_SCHEMAS = {"error", "notify-request", "notify-reply", "run-why"}
COMMON = {"--help", "--json", "--pretty", "--device", "--version"}


def defined(prefix: str) -> dict[str, str]:
    """What the header defines with a prefix: name without it, and value."""
    lines = re.findall(rf"^#define {prefix}(\w+)\s+(\S+)", HEADER, re.MULTILINE)
    return dict(lines)


def enumerators(name: str) -> list[str]:
    """The enumerators of a class of the library's headers."""
    found = [body for text in LIBRARY.values()
             for body in re.findall(rf"enum class {name} [^{{]*\{{([^}}]*)\}}", text)]
    assert len(found) == 1
    return re.findall(r"\w+", re.sub(r"=[^,]*|//.*", "", found[0]))


@cache
def help_of(command: str) -> str:
    """The help text of a command."""
    return text_of(*command.split(), "--help")


def listed_commands(command: str) -> list[str]:
    """The commands that a help text lists."""
    if "\nCommands:\n" not in help_of(command):
        return []
    return re.findall(r"^  (\w+)", help_of(command).split("\nCommands:\n")[1], re.MULTILINE)


def commands() -> list[str]:
    """Every command, with its object."""
    return [f"{first} {second}".strip() for first in listed_commands("")
            for second in (listed_commands(first) or [""])]


def options_in_help(command: str) -> set[str]:
    """The long options that a command's help lists."""
    return set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", help_of(command), re.MULTILINE))


def complete(*words: str) -> set[str]:
    """What the completion offers for the last of these words."""
    script = f"""
        source {COMPLETION}
        COMP_WORDS=(secmapctl "$@")
        COMP_CWORD=$#
        _secmapctl
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                          check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def synopses() -> dict[str, str]:
    """The synopsis of each command in the manual page."""
    block = MAN.split(".Sh SYNOPSIS\n")[1].split(".Sh DESCRIPTION\n")[0]
    found = {}
    for each in block.split(".Nm\n"):
        if name := re.search(r"^\.Cm (.*)$", each, re.MULTILINE):
            found[name[1]] = each
    return found


def options_in_man(text: str) -> set[str]:
    """The long options that a piece of the manual page names."""
    found = set(re.findall(r"Fl -([a-z][a-z-]*)", text))
    if "reading options" in text:
        reading = MAN.split(".Ar reading options\nof the commands")[1].split(".Sh RUN")[0]
        found |= set(re.findall(r"^\.It Fl -([a-z-]+)", reading, re.MULTILINE))
    return {f"--{name}" for name in found}


def same(*lists: Iterable[str]) -> None:
    """All of these are the same set."""
    first, *others = (sorted(set(each)) for each in lists)
    for other in others:
        assert other == first


def test_commands_are_the_same_in_help_manual_completion_and_schemas() -> None:
    schemas = {path.stem for path in SCHEMAS.glob("*.json")} - OTHER_SCHEMAS
    same(commands(), synopses())
    same({each.replace(" ", "-") for each in commands()}, schemas)
    same(listed_commands(""), complete(""))
    for each in OBJECTS:
        same(listed_commands(each), complete(each, ""))
    sections = re.findall(r"^\.Sh ([A-Z]+)$", MAN, re.MULTILINE)
    for each in listed_commands(""):
        assert each.upper() in sections
    for each in commands():
        assert re.search(rf"^\.It Cm {each}\b", MAN, re.MULTILINE), each


@pytest.mark.parametrize("command", commands())
def test_options_are_the_same_in_help_manual_and_completion(command: str) -> None:
    in_help = options_in_help(command) - COMMON
    same(in_help, options_in_man(synopses()[command]) - COMMON)
    same(in_help, complete(*command.split(), "--") - COMMON)


def test_common_options_are_the_same_everywhere() -> None:
    in_man = re.findall(r"^\.It Fl (?:\w , Fl )?-([a-z]+)", MAN.split(".Ar reading options\nof")[0],
                        re.MULTILINE)
    same(options_in_help(""), COMMON, (f"--{name}" for name in in_man), complete("--"))


@pytest.mark.parametrize(("command", "option"), [
    ("run", "--unknown"), ("run", "--overlap"), ("run", "--engine"),
    ("policy diff", "--unknown"), ("policy diff", "--overlap"), ("policy replace", "--engine"),
    ("explain", "--abi"), ("prog test", "--abi"), ("monitor", "--verdict"), ("bench", "--engine"),
])
def test_words_that_an_option_takes_are_the_same_everywhere(command: str, option: str) -> None:
    (words,) = re.findall(rf"^ +{option} (\S+)", help_of(command), re.MULTILINE)
    offered = complete(*command.split(), option, "")
    same(words.split("|"), offered)
    for word in offered:
        assert re.search(rf"^\.(?:It )?Cm .*\b{word}\b", MAN, re.MULTILINE)


def test_scenarios_are_the_same_in_tool_manual_completion_and_harness() -> None:
    answer = secmapctl("bench", "--scenario", "nothing")
    assert answer.status == USAGE
    (names,) = re.findall(r"'nothing' is not one of ((?:\w+, )*\w+)", answer.err)
    section = MAN.split(".Sh BENCH")[1].split(".Sh")[0]
    listed = re.split(r"^\.Fl -(?:scenario|rounds) ,$", section, flags=re.MULTILINE)[1]
    in_man = [name for line in re.findall(r"^\.It Cm (.*)$", listed, re.MULTILINE)
              for name in line.split(" , ")]
    harness = (TOP / "tests/bench/scenarios.py").read_text(encoding="ascii")
    # The harness has one processor.
    of_two = ["replace_stall", "replace_stall_set"]
    same(names.split(", "), in_man, complete("bench", "--scenario", ""),
         [*re.findall(r'"(\w+)",', harness), *of_two])


def test_completion_leaves_the_program_of_run_alone() -> None:
    assert "--profile" not in complete("run", "--profile", "x", "--", "ls", "--")


def test_completion_offers_only_what_begins_so() -> None:
    assert complete("po") == {"policy"}
    assert complete("prog", "d") == {"dump"}
    assert complete("policy", "sh") == {"show"}
    assert complete("--json", "policy", "co") == {"compile"}
    assert complete("--device", "policy", "ta") == {"table", "task"}


def test_ioctls_are_the_same_in_header_library_and_manual() -> None:
    in_header = {f"SECMAP_IOC_{name}" for name in defined("SECMAP_IOC_")} - {"SECMAP_IOC_TYPE"}
    in_library = set(re.findall(r"\bSECMAP_IOC_\w+", "".join(LIBRARY.values())))
    in_manual = re.findall(r"^\.It Dv (SECMAP_IOC_\w+)", MAN_DEVICE, re.MULTILINE)
    same(in_header, in_library, in_manual)


def test_errors_are_the_same_in_header_library_and_manual() -> None:
    head = HEADER.split("One errno, one meaning:")[1].split("When two apply")[0]
    lines = re.findall(r"^ \*   (E[A-Z0-9, ]+)  ", head, re.MULTILINE)
    in_header = [name for line in lines for name in re.findall(r"\w+", line)]
    in_library = re.findall(r"^    \{(E\w+),", LIBRARY["ioctl.cpp"], re.MULTILINE)
    in_manual = re.findall(r"^\.It Bq Er (E\w+)", MAN_DEVICE, re.MULTILINE)
    same(in_header, in_library, in_manual)
    assert len(in_library) == len(set(in_library))


def test_abis_are_the_same_in_header_library_and_tool() -> None:
    abis = defined("SECMAP_ABI_")
    in_header = [name.lower() for name in abis if name not in ("VERSION", "COUNT")]
    assert len(in_header) == int(abis["COUNT"])
    assert enumerators("abi") == in_header
    (words,) = re.findall(r"^ +--abi (\S+)", help_of("explain"), re.MULTILINE)
    assert words.split("|") == in_header
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        if "abi" in schema.get("definitions", {}):
            assert schema["definitions"]["abi"]["enum"] == in_header


def test_operators_are_the_same_in_header_and_library() -> None:
    operators = {name: int(value) for name, value in defined("SECMAP_OP_").items()}
    count = operators.pop("COUNT")
    assert sorted(operators.values()) == list(range(count))
    in_order = sorted(operators, key=lambda name: operators[name])
    assert enumerators("comparison") == [name.lower() for name in in_order]


def test_actions_are_the_same_in_header_and_library() -> None:
    table = re.findall(r"\{SECMAP_ACTION_(\w+), \"(\w+)\"\}", LIBRARY["policy.cpp"])
    assert all(bit == name for bit, name in table)
    same(defined("SECMAP_ACTION_"), (name for name, _ in table))


def test_deciders_features_and_skipping_have_names_in_the_tool() -> None:
    bits = (TOP / "ctl/bits.cpp").read_text(encoding="utf-8")
    same(defined("SECMAP_RULE_"), re.findall(r"case SECMAP_RULE_(\w+)", bits))
    same(defined("SECMAP_FEATURE_"), re.findall(r"\{SECMAP_FEATURE_(\w+),", bits))
    explain = json.loads((SCHEMAS / "explain.json").read_text(encoding="utf-8"))
    decided = explain["definitions"]["explained_call"]["properties"]["decided_by"]["enum"]
    same([name.lower() for name in defined("SECMAP_RULE_")] + ["rule"], decided)
    feature = json.loads((SCHEMAS / "feature.json").read_text(encoding="utf-8"))
    (module,) = [each for each in feature["properties"]["feature"]["properties"]["module"]["oneOf"]
                 if "properties" in each]
    skips = [name.lower() for name in defined("SECMAP_SKIP_")]
    same(skips, module["properties"]["skipping"]["enum"], enumerators("call_skipping"))


def test_what_two_schemas_define_is_the_same() -> None:
    seen: dict[str, object] = {}
    for path in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        for name, definition in schema.get("definitions", {}).items():
            assert seen.setdefault(name, definition) == definition, (path.name, name)
