# SPDX-License-Identifier: Apache-2.0
"""Where `cmake --install` puts what, and which component brings it."""
import os
import subprocess

import pytest

PROGRAMS = ("immudb", "immuadmin", "immuclient")


def files(tree):
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_run_from_where_they_are(prefix, version, program):
    ran = subprocess.run([prefix / "bin" / program, "version"], check=True, capture_output=True,
                         text=True, timeout=60)
    assert version in ran.stdout
    for page in (f"man/man1/{program}.1", f"bash-completion/completions/{program}",
                 f"zsh/site-functions/_{program}", f"fish/vendor_completions.d/{program}.fish"):
        assert (prefix / "share" / page).stat().st_size > 0


def test_pages_licence_and_samples_are_there(prefix, root):
    documents = prefix / "share/doc/immudb"
    for name in ("LICENSE", "README.md", "SECURITY.md"):
        assert (documents / name).read_bytes() == (root / name).read_bytes()
    for folder in ("docs", "configs"):
        assert files(documents / folder) == files(root / folder)
        assert files(documents / folder)


def test_headers_are_those_of_the_repository(prefix, root):
    assert files(prefix / "include") == files(root / "include")


def test_components_are_the_whole_tree_without_overlap(prefix, libdir, tmp_path):
    seen = set()
    for component in ("programs", "libraries", "development"):
        part = tmp_path / component
        subprocess.run([os.environ["IMMUDB_CMAKE"], "--install", os.environ["IMMUDB_BUILD"],
                        "--prefix", part, "--component", component], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)
        assert files(part) and not files(part) & seen
        seen |= files(part)
        if component == "libraries":  # what a program needs to run, and no more
            assert all(".so." in name for name in files(part))
    assert seen == files(prefix)
