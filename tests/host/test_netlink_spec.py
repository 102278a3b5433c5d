#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""uapi/secmap/secmap.yaml says of the generic netlink family what secmap_netlink.h says, in the kernel's language for
such: its schema and its generators are those of linux-source-6.12."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import]
import pytest
import yaml  # type: ignore[import]
from tool import TOP

sys.path.insert(0, str(TOP / "tests/guest"))

import cache  # noqa: E402

SPEC = TOP / "uapi/secmap/secmap.yaml"
HEADER = (TOP / "uapi/secmap/secmap_netlink.h").read_text(encoding="utf-8")
SOURCE = Path("/usr/src/linux-source-6.12.tar.xz")
# What each type of an attribute is called in the header.
TYPES = {"u32": "u32", "u64": "u64", "string": "string", "binary": "6 u64", "flag": "flag",
         "nest": "nest", "pad": ""}
SETS = ["watch", "event", "policy", "abi", "table", "task", "entry", "stats"]
# What is asked for by each command that tells what there is.
ASKED = {"policy": ["id"], "table": ["id"], "task": ["tid"], "stats": ["policy", "per-cpu"]}


@pytest.fixture(name="kernel", scope="module")
def _kernel() -> Path:
    """What the kernel's sources have about such files, unpacked once for each version of them."""
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "linux-source-6.12"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout

    def unpack(target: Path) -> None:
        subprocess.run(["tar", "-xf", SOURCE, "-C", target, "--strip-components=1", "--wildcards",
                        "*/Documentation/netlink/*.yaml", "*/tools/net/ynl/*.py"], check=True)

    return cache.produce(cache.root() / "ynl" / version, unpack)


@pytest.fixture(name="spec", scope="module")
def _spec() -> Any:
    return yaml.safe_load(SPEC.read_text(encoding="ascii"))


def enumerators(prefix: str) -> dict[str, int]:
    """What the header numbers from 0 on: names without the prefix."""
    found = [body for body in re.findall(r"^enum \{(.*?)^\};", HEADER, re.DOTALL | re.MULTILINE)
             if f"\t{prefix}UNSPEC" in body]
    assert len(found) == 1
    names = re.findall(r"^\t(\w+)(?:,| = )", re.sub(r"/\*.*?\*/", "", found[0], flags=re.DOTALL), re.MULTILINE)
    assert names[0] == f"{prefix}UNSPEC"
    assert names[-2:] == [f"__{prefix}MAX", f"{prefix}MAX"]
    return {name.removeprefix(prefix): value for value, name in enumerate(names[:-2])}


def numbered(entries: Any) -> dict[str, int]:
    """As the kernel's generators number what has no value of its own: from 1 on."""
    found, value = {"UNSPEC": 0}, 0
    for entry in entries:
        value = entry.get("value", value + 1)
        found[entry["name"].upper().replace("-", "_")] = value
    return found


def test_it_is_what_the_kernels_schema_takes(kernel: Path, spec: Any) -> None:
    schema = yaml.safe_load((kernel / f"Documentation/netlink/{spec['protocol']}.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(spec)
    broken = {**spec, "surprise": 1}
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.Draft7Validator(schema).validate(broken)


def test_the_family_is_the_same(spec: Any) -> None:
    assert re.findall(r'#define SECMAP_GENL_NAME\s+"(\w+)"', HEADER) == [spec["name"]]
    assert re.findall(r"#define SECMAP_GENL_VERSION (\d+)", HEADER) == [str(spec.get("version", 1))]
    assert (TOP / "uapi" / spec["uapi-header"]).is_file()


def test_commands_are_the_same(spec: Any) -> None:
    assert spec["operations"]["name-prefix"] == "secmap-cmd-"
    assert numbered(spec["operations"]["list"]) == enumerators("SECMAP_CMD_")


def test_there_are_no_other_sets(spec: Any) -> None:
    assert [each["name"] for each in spec["attribute-sets"]] == SETS
    assert set(re.findall(r"\tSECMAP_A_(\w+)_UNSPEC", HEADER)) == {name.upper() for name in SETS}


@pytest.mark.parametrize("name", SETS)
def test_attributes_are_the_same(spec: Any, name: str) -> None:
    (chosen,) = [each for each in spec["attribute-sets"] if each["name"] == name]
    prefix = f"SECMAP_A_{name.upper()}_"
    assert chosen["name-prefix"].upper().replace("-", "_") == prefix
    assert numbered(chosen["attributes"]) == enumerators(prefix)
    for each in chosen["attributes"]:
        words = re.search(rf"\t{prefix}{each['name'].upper().replace('-', '_')},\s*(?:/\* ([^:]*):)?", HEADER)
        assert words and (words[1] or "") == TYPES[each["type"]], each


def test_each_command_carries_what_there_is(spec: Any) -> None:
    sets = {each["name"]: [one["name"] for one in each["attributes"] if one["type"] != "pad"]
            for each in spec["attribute-sets"]}
    operations = {each["name"]: each for each in spec["operations"]["list"]}
    watch, unwatch, event = (operations.pop(name) for name in ("watch", "unwatch", "event"))
    assert (watch["attribute-set"], event["attribute-set"]) == ("watch", "event")
    assert watch["do"]["request"]["attributes"] == sets["watch"]
    assert unwatch["do"]["request"]["attributes"] == []
    assert event["event"]["attributes"] == sets["event"]
    (args,) = [one for one in spec["attribute-sets"][1]["attributes"] if one["name"] == "args"]
    assert args["checks"]["exact-len"] == 6 * 8
    assert list(operations) == [f"{name}-get" for name in ASKED]
    for name, asked in ASKED.items():
        get = operations[f"{name}-get"]
        reply = {"attributes": [each for each in sets[name] if each != "per-cpu"]}
        assert (get["attribute-set"], get["dump"]["reply"]) == (name, reply)
        if name == "stats":
            assert get["dump"]["request"]["attributes"] == asked and "do" not in get
        else:
            assert get["do"] == {"request": {"attributes": asked}, "reply": reply}


def test_what_is_inside_is_a_set(spec: Any) -> None:
    inside = {each["name"]: each["nested-attributes"] for one in spec["attribute-sets"] for each in one["attributes"]
              if each["type"] == "nest"}
    assert inside == {"abi": "abi", "entry": "entry"}


def test_the_kernels_generator_makes_the_same_header(kernel: Path, tmp_path: Path) -> None:
    """But for UNSPEC, which it does not name. It takes files of the kernel's own licence, beside the schema."""
    copy = tmp_path / "specs/secmap.yaml"
    copy.parent.mkdir()
    licence = "# SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)"
    copy.write_text(licence + "\n" + SPEC.read_text(encoding="ascii").partition("\n")[2], encoding="ascii")
    shutil.copy(kernel / "Documentation/netlink/genetlink.yaml", tmp_path)
    (tmp_path / "MAINTAINERS").touch()  # it looks for the root of a kernel tree
    made = subprocess.run([sys.executable, kernel / "tools/net/ynl/ynl-gen-c.py", "--spec", copy, "--mode", "uapi",
                           "--header"], check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout
    for prefix in ("SECMAP_CMD_", *(f"SECMAP_A_{name.upper()}_" for name in SETS)):
        (body,) = [body for body in re.findall(r"^enum \{(.*?)^\};", made, re.DOTALL | re.MULTILINE)
                   if f"\t{prefix}" in body]
        names = re.findall(rf"^\t{prefix}(\w+)( = 1)?,", body, re.MULTILINE)
        assert names[0][1] == " = 1"
        found = {name: value for value, (name, _) in enumerate(names, 1)}
        assert {"UNSPEC": 0, **found} == enumerators(prefix)
