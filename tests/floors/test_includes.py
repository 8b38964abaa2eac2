# SPDX-License-Identifier: Apache-2.0
"""The #include lines of the sources."""
import floors


def test_a_source_includes_only_headers_of_what_its_target_links(targets, root):
    includes = floors.Includes(targets, root)
    assert list(includes.errors()) == []
    # It has looked: the client's sources reach the base, through headers too.
    reached = includes.reached(root / "src/client/client.cc")
    assert root / "src/base/file_system.h" in reached
    assert root / "include/immudb/status.h" in reached


def test_who_implements_a_public_header_is_known(targets, root):
    for header in sorted((root / "include/immudb").iterdir()):
        assert floors.PUBLIC_HEADERS.get(header.name) in targets, header
