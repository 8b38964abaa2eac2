# SPDX-License-Identifier: Apache-2.0
"""The link graph of the build."""
import floors


def test_every_target_has_its_floor_in_the_table(targets, house):
    assert len(targets) > 20 and len(house) > 10
    assert list(floors.table_errors(targets, house)) == []


def test_no_target_links_a_floor_above_it(targets, house):
    assert list(floors.link_errors(targets, house)) == []
