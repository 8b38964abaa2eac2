# SPDX-License-Identifier: Apache-2.0
"""Links lead somewhere, and files that are named exist."""
import re

import pytest

import pages

FOLDERS = {path.name for path in pages.ROOT.iterdir() if path.is_dir()} - pages.IGNORED
# A name alone is that of a file of ours if it ends so; users' files do not.
SOURCES = (".md", ".cc", ".h", ".proto", ".py")
# Made by a build, by tools/mtls/generate.sh, or by those who generate stubs.
MADE = re.compile(r"tools/mtls/[1-4]_|.*_pb2(_grpc)?\.py$")


@pytest.fixture(scope="module")
def names():
    return {path.name for path in pages.files()}


@pytest.mark.parametrize("page", pages.paths())
def test_links_lead_somewhere(page):
    missing = []
    for line, target in pages.links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (pages.ROOT / page).parent / path if path else pages.ROOT / page
        if not found.exists():
            missing.append(f"{page}:{line}: {target}")
        elif anchor and anchor not in pages.anchors(found.relative_to(pages.ROOT)):
            missing.append(f"{page}:{line}: no heading for #{anchor}")
    assert not missing


def _is_there(text, names):
    if MADE.match(text):
        return True
    if "/" in text:
        if text.split("/")[0] not in FOLDERS:
            return True  # not of the repository
        return any(True for _ in pages.ROOT.glob(text.rstrip("/")))
    return not text.endswith(SOURCES) or text in names


@pytest.mark.parametrize("page", pages.paths())
def test_files_that_are_named_exist(page, names):
    names = names | {block.name for block in pages.blocks(page) if block.kind == "file"}
    missing = [f"{page}:{line}: {text}" for line, text in pages.spans(page)
               if re.fullmatch(r"[\w.*/-]+", text) and not text.startswith("-")
               and not _is_there(text, names)]
    assert not missing


def test_pages_are_found():
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} <= set(pages.paths())
