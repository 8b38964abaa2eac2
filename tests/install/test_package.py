# SPDX-License-Identifier: Apache-2.0
"""find_package and pkg-config: what they find, and what they must not find."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

COMPONENTS = ("verify", "store", "client")


@pytest.fixture
def find(tmp_path):
    """find(arguments of find_package, tree) -> (succeeded, its messages, {target: its file})."""

    def configure(arguments, tree):
        project = tmp_path / "project"
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir()
        lines = ["cmake_minimum_required(VERSION 3.25)", "project(finder LANGUAGES NONE)",
                 f"find_package(immudb {arguments})"]
        for name in COMPONENTS:
            lines += [f"if(TARGET immudb::{name})",
                      f"get_target_property(file immudb::{name} LOCATION)",
                      f'file(APPEND found "{name} ${{file}}\\n")', "endif()"]
        (project / "CMakeLists.txt").write_text("\n".join(lines))
        ran = subprocess.run([os.environ["IMMUDB_CMAKE"], "-S", project, "-B", project / "build",
                              f"-DCMAKE_PREFIX_PATH={tree}"],
                             cwd=project, capture_output=True, text=True, timeout=60)
        found = project / "found"
        rows = found.read_text().splitlines() if found.exists() else []
        return ran.returncode == 0, ran.stdout + ran.stderr, dict(row.split(" ", 1) for row in rows)

    return configure


@pytest.fixture
def moved(prefix, libdir, tmp_path):
    """A copy of the tree's libraries and headers, elsewhere."""
    tree = tmp_path / "moved"
    for folder in (prefix / "include", libdir):
        shutil.copytree(folder, tree / folder.relative_to(prefix), symlinks=True)
    return tree


def pkg_config(tree, *arguments):
    folder = tree / os.environ["IMMUDB_LIBDIR"] / "pkgconfig"
    environment = os.environ | {"PKG_CONFIG_LIBDIR": str(folder)}  # and nothing of the machine's
    return subprocess.run(["pkg-config", *arguments], check=True, capture_output=True, text=True,
                          env=environment, timeout=60).stdout.split()


@pytest.mark.parametrize("wanted, expected", [
    ("verify", {"verify"}), ("store", {"verify", "store"}), ("client", {"verify", "client"}),
    ("store client", set(COMPONENTS)), ("", set(COMPONENTS))])
def test_a_component_brings_what_it_needs(find, prefix, version, wanted, expected):
    components = f"COMPONENTS {wanted}" if wanted else ""
    succeeded, text, targets = find(f"{version} CONFIG REQUIRED {components}", prefix)
    assert succeeded, text
    assert set(targets) == expected


def test_another_minor_version_is_not_found(find, prefix, version):
    major, minor, _ = map(int, version.split("."))
    assert find(f"{major}.{minor} CONFIG REQUIRED", prefix)[0]
    for other in (f"{major}.{minor + 1}", f"{major + 1}.0"):
        succeeded, text, _ = find(f"{other} CONFIG REQUIRED", prefix)
        assert not succeeded and "immudb" in text


def test_a_component_that_is_unknown_or_not_installed_is_not_found(find, moved, libdir, prefix):
    succeeded, text, _ = find("CONFIG REQUIRED COMPONENTS verify server", moved)
    assert not succeeded and "server" in text
    for file in (moved / libdir.relative_to(prefix) / "cmake/immudb").glob("immudb-client-*"):
        file.unlink()
    succeeded, text, _ = find("CONFIG REQUIRED COMPONENTS client", moved)
    assert not succeeded and "client" in text
    assert set(find("CONFIG REQUIRED OPTIONAL_COMPONENTS client", moved)[2]) == {"verify"}
    assert set(find("CONFIG REQUIRED", moved)[2]) == {"verify", "store"}


def test_a_tree_that_was_moved_is_found_where_it_is(find, moved, prefix, libdir, version):
    succeeded, text, targets = find("CONFIG REQUIRED", moved)
    assert succeeded, text
    place = moved / libdir.relative_to(prefix)
    for name in COMPONENTS:
        assert targets[name] == str(place / f"libimmudb_{name}.so.{version}")
        flags = pkg_config(moved, "--cflags", "--libs", f"immudb-{name}")
        folders = {flag[:2]: Path(flag[2:]).resolve() for flag in flags if flag[:2] in ("-I", "-L")}
        assert folders == {"-I": moved / "include", "-L": place}
        libraries = {flag for flag in flags if flag.startswith("-l")}
        assert libraries == {"-limmudb_verify", f"-limmudb_{name}"}
        assert pkg_config(moved, "--modversion", f"immudb-{name}") == [version]
