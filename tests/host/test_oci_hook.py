# SPDX-License-Identifier: LGPL-2.1-or-later
"""What secmap-oci-hook refuses before it needs the module: the thing, the cause, the next step."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tool import TOP, Answer

HOOK = TOP / "build/userland/oci/secmap-oci-hook"
MAN = (TOP / "man/secmap-oci-hook.8").read_text(encoding="utf-8")
# Should the module be loaded here: no process can have this id.
NOBODY = (1 << 22) + 1
ALLOWED = {"defaultAction": "SCMP_ACT_ALLOW"}


def hook(stdin: str, *arguments: str) -> Answer:
    """Run it as a runtime does."""
    done = subprocess.run([HOOK, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=100)
    return Answer(done.returncode, done.stdout, done.stderr)


def state(bundle: Path | str | int = "/nowhere", annotations: dict[str, Any] | None = None, **others: Any) -> str:
    """What a runtime says of a container; a member that is None is left out."""
    members = {"ociVersion": "1.0.2", "id": "web", "status": "creating", "pid": NOBODY,
               "bundle": bundle if isinstance(bundle, int) else str(bundle),
               "annotations": annotations, **others}
    return json.dumps({name: value for name, value in members.items() if value is not None})


def refused(stdin: str) -> str:
    """What it says when it fails."""
    answer = hook(stdin)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.startswith("secmap-oci-hook: ") and answer.err.count("\n") == 1
    return answer.err


@pytest.fixture(name="bundle")
def _bundle(tmp_path: Path) -> Path:
    return tmp_path


def configure(bundle: Path, linux: Any, **process: Any) -> str:
    """Write its config.json; the state of its container."""
    (bundle / "config.json").write_text(json.dumps({"linux": linux, "process": process}), encoding="utf-8")
    return state(bundle, {"org.secmap.attach": "true"})


@pytest.mark.parametrize("annotations", [None, {}, {"org.secmapx": "true", "org.example": "1"},
                                         {"org.secmap.attach": "false", "org.secmap.engine": "ebpf"}])
def test_who_does_not_ask_is_left_alone(annotations: dict[str, str] | None) -> None:
    assert hook(state(annotations=annotations)) == Answer(0, "", "")


@pytest.mark.parametrize(("stdin", "said"), [
    ("", "nothing was written"), ("{", "not valid JSON"), ("[]", "must be an object"),
    (state(id=None), '"id" is missing'), (state(id=7), '"id" must be a string'),
    (state(bundle=7), '"bundle" must be a string'),
    (state(status=None), '"status" is missing'), (state(pid=None), '"pid" is missing'),
    (state(pid=-1), '"pid" must be the id of a process'), (state(pid=1 << 40), '"pid" must be the id of a process'),
    (state(annotations=7), '"annotations" must be an object'),  # type: ignore[arg-type]
    (state(annotations={"a": 7}), 'the annotation "a" must be a string'),
])
def test_a_state_that_is_none(stdin: str, said: str) -> None:
    message = refused(stdin)
    assert f"read the state of the container: standard input: {said} (" in message


@pytest.mark.parametrize(("annotations", "said"), [
    ({"attach": "yes"}, 'org.secmap.attach: unknown value "yes" (one of true, false)'),
    ({"attach": ""}, 'org.secmap.attach: unknown value "" (one of true, false)'),
    ({"engine": "maps"}, "org.secmap.attach: is missing beside the others"),
    ({"attach": "true", "profil": "/p"}, "org.secmap.profil: unknown (known are org.secmap.attach, org.secmap.profile"),
    ({"attach": "true", "profile": "p"}, 'org.secmap.profile: "p" is not an absolute path ('),
    ({"attach": "true", "engine": "bpf"}, 'org.secmap.engine: unknown value "bpf" (one of maps, ebpf, cbpf)'),
    ({"attach": "false", "log": "1"}, 'org.secmap.log: unknown value "1" (one of true, false)'),
])
def test_annotations_that_are_none(annotations: dict[str, str], said: str) -> None:
    message = refused(state(annotations={f"org.secmap.{name}": value for name, value in annotations.items()}))
    assert message.startswith("secmap-oci-hook: container web: read the annotations: ")
    assert said in message


@pytest.mark.parametrize(("member", "value", "said"), [
    ("status", "running", "it is running: its program has begun without the filter"),
    ("status", "stopped", "it is stopped"), ("pid", 0, "the hook runs in the container's namespaces"),
])
def test_another_stage(member: str, value: str | int, said: str) -> None:
    others: dict[str, Any] = {member: value}
    message = refused(state(annotations={"org.secmap.attach": "true"}, **others))
    assert said in message and "in the stage createRuntime" in message


def test_a_bundle_without_a_profile(bundle: Path) -> None:
    for linux in ({}, {"seccomp": None}, None):
        message = refused(configure(bundle, linux))
        assert f"read profile: {bundle}/config.json: /linux/seccomp: is missing (" in message
        assert "org.secmap.profile" in message


def test_a_bundle_that_cannot_be_read(bundle: Path) -> None:
    message = refused(state(bundle, {"org.secmap.attach": "true"}))
    assert f"read profile: {bundle}/config.json: No such file or directory" in message


def test_a_profile_with_a_fault_names_its_place(bundle: Path) -> None:
    said = configure(bundle, {"seccomp": {**ALLOWED, "syscalls": [{"names": ["mkdir"], "action": "DENY"}]}})
    assert f"{bundle}/config.json: /linux/seccomp: /syscalls/0/action: " in refused(said)


def test_a_profile_that_needs_a_supervisor(bundle: Path) -> None:
    said = configure(bundle, {"seccomp": {
        **ALLOWED, "listenerPath": "/run/l", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}})
    assert "/syscalls/0: SCMP_ACT_NOTIFY needs a supervisor" in refused(said)


def test_the_capabilities_of_the_container_decide_about_a_profile(bundle: Path) -> None:
    """An entry that includes one which it has is read; here it has a fault that is found then alone."""
    profile = bundle / "profile.json"
    profile.write_text(json.dumps({**ALLOWED, "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY", "includes": {"caps": ["CAP_KILL"]}}]}), encoding="utf-8")
    annotations = {"org.secmap.attach": "true", "org.secmap.profile": str(profile)}
    for bounding, said in ((["CAP_KILL"], "needs a supervisor"), (["CAP_CHOWN"], "container web: open "),
                           (7, "/process/capabilities/bounding: must be an array"),
                           ([7], "/process/capabilities/bounding/0: must be a string")):
        configure(bundle, {}, capabilities={"bounding": bounding})
        assert said in refused(state(bundle, annotations))


def test_usage() -> None:
    assert hook("", "--version").out.startswith("secmap-oci-hook ")
    assert "createRuntime" in hook("", "--help").out
    for wrong in (["--bad"], ["--help", "--version"]):
        answer = hook("", *wrong)
        assert (answer.status, answer.out) == (2, "") and answer.err.startswith("usage: ")


def test_the_manual_page_has_every_annotation() -> None:
    known = re.findall(r"org\.secmap\.\w+", refused(state(annotations={"org.secmap.": "true"})))
    assert len(known) >= 4
    assert set(known) == set(re.findall(r"org\.secmap\.\w+", MAN))
