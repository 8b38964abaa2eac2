# SPDX-License-Identifier: Apache-2.0
"""The parts of the pages that programs print are what this build prints (`make docs` writes them).
"""
import re

import pytest

import pages
from tables import printed

GENERATED = [(page, command) for page in pages.paths() for command, _ in pages.generated(page)]


def test_all_three_programs_are_described():
    programs = {command.split()[0] for _, command in GENERATED}
    assert programs == {"immudb", "immuclient", "immuadmin"}


@pytest.mark.parametrize("page, command", GENERATED)
def test_is_what_the_program_prints(page, command):
    assert dict(pages.generated(page))[command] == printed(command), "make docs"


def test_the_changelog_has_this_version():
    version = re.search(r"\d+\.\d+\.\d+", printed("immudb version"))[0]
    assert re.search(rf"^## \[{version}\] - ", pages.read("CHANGELOG.md"), re.MULTILINE)
