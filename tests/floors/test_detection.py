# SPDX-License-Identifier: Apache-2.0
"""A small house with a defect in it: would the other tests of this folder see it?"""
import floors
import pytest

PAGE = """# A house

## Floors

| floor | folder | CMake target | what lives there |
|---|---|---|---|
| programs | `src/immudb`, `tools/*` | `immudb` | mains |
| client | `src/client` | `immudb_client` | |
| store | `src/store` | `immudb_store` | |
| parts | `src/vlog`, `src/index` | `immudb_vlog`, `immudb_index` | |
| base | `src/base` | `immudb_status`, `immudb_base` | |

## Another section

| not | `src/a`, | `floor` | |
"""

GRAPH = """target immudb_warnings INTERFACE_LIBRARY {root}
target immudb_status STATIC_LIBRARY {root}/src/base
SOURCES status.cc
target immudb_base STATIC_LIBRARY {root}/src/base
LINK_LIBRARIES immudb_status
LINK_LIBRARIES Threads::Threads
INTERFACE_LINK_LIBRARIES immudb_status
SOURCES file.cc
target immudb_vlog STATIC_LIBRARY {root}/src/vlog
LINK_LIBRARIES immudb_base
INTERFACE_LINK_LIBRARIES immudb_base
SOURCES log.cc
target immudb_index STATIC_LIBRARY {root}/src/index
LINK_LIBRARIES immudb_base
INTERFACE_LINK_LIBRARIES $<LINK_ONLY:immudb_base>
SOURCES index.cc
target immudb_store STATIC_LIBRARY {root}/src/store
LINK_LIBRARIES immudb_index
SOURCES store.cc
target immudb_client STATIC_LIBRARY {root}/src/client
LINK_LIBRARIES immudb_base
SOURCES client.cc
target immudb SHARED_LIBRARY {root}/src/immudb
SOURCES $<TARGET_OBJECTS:immudb_store>
target tools_docs UTILITY {root}/tools
"""

SOURCES = {
    "include/immudb/status.h": "",
    "include/immudb/store.h": '#include "immudb/status.h"\n',
    "src/base/status.cc": '#include "immudb/status.h"\n',
    "src/base/file.h": "#include <string>\n",
    "src/base/file.cc": '#include "base/file.h"\n',
    "src/vlog/log.h": '#include "base/file.h"\n',
    "src/vlog/log.cc": '#include "vlog/log.h"\n',
    "src/index/index.h": "",
    "src/index/index.cc": '#include "base/file.h"\n#include "index/index.h"\n',
    "src/store/store.cc": '#include "immudb/store.h"\n#include "index/index.h"\n',
    "src/client/client.cc": '#include "base/file.h"\n#include "immudb/status.h"\n',
}


@pytest.fixture
def build(tmp_path):
    """build(more lines of GRAPH) -> the targets and the folder of the sources."""
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(more=""):
        return floors.read_graph(GRAPH.format(root=tmp_path) + more.format(root=tmp_path), tmp_path)

    return read


@pytest.fixture
def house():
    return floors.read_floors(PAGE)


def link_errors(targets, house):
    return "\n".join(floors.link_errors(targets, house))


def include_errors(targets, root):
    return "\n".join(floors.Includes(targets, root).errors())


def test_a_sound_house_is_sound(build, house, tmp_path):
    assert [floor.name for floor in house] == ["base", "parts", "store", "client", "programs"]
    targets = build()
    assert "immudb_warnings" not in targets and "tools_docs" not in targets
    assert list(floors.table_errors(targets, house)) == []
    assert link_errors(targets, house) == ""
    # immudb_index offers nothing of the base to the store, whose header needs it.
    assert include_errors(targets, tmp_path) == (
        "immudb_store: store.cc gets include/immudb/status.h (included by "
        "include/immudb/store.h), but does not link immudb_status")
    targets["immudb_store"].links.append("immudb_base")
    assert include_errors(targets, tmp_path) == ""


@pytest.mark.parametrize("low, high", [
    ("immudb_base", "immudb_store"), ("immudb_store", "immudb_client"),
    ("immudb_vlog", "immudb")])
def test_a_link_upwards_is_seen(build, house, low, high):
    targets = build()
    targets[low].links.append(high)
    assert f"{low} (" in link_errors(targets, house)
    assert f") links {high} (" in link_errors(targets, house)


def test_objects_count_as_links(build, house):
    targets = build("target low STATIC_LIBRARY {root}/src/base\n"
                    "SOURCES $<TARGET_OBJECTS:immudb_store>\n")
    assert "low (base) links immudb_store (store), which is above it" in link_errors(targets, house)


def test_a_circle_is_seen(build, house):
    targets = build()
    targets["immudb_status"].links.append("immudb_base")
    assert "immudb_base links itself through others" in link_errors(targets, house)


def test_strangers_are_seen(build, house):
    targets = build()
    targets["immudb_vlog"].links.append("immudb_index")
    assert "src/vlog and src/index must not know each other" in link_errors(targets, house)


def test_a_target_without_a_floor_is_seen(build, house):
    targets = build("target lost STATIC_LIBRARY {root}/src/lost\n")
    assert "src/lost, with the target lost, is in no floor" in "\n".join(
        floors.table_errors(targets, house))


def test_a_table_that_names_what_is_not_there_is_seen(build, house):
    targets = build()
    del targets["immudb_client"]
    targets["immudb_vlog"].folder = "src/base"
    assert list(floors.table_errors(targets, house)) == [
        "parts: immudb_vlog is in src/base", "client: there is no target immudb_client"]


@pytest.mark.parametrize("source, header, owner", [
    ("src/base/file.cc", "vlog/log.h", "immudb_vlog"),
    ("src/base/file.h", "vlog/log.h", "immudb_vlog"),
    ("src/client/client.cc", "immudb/store.h", "immudb_store"),
    ("src/vlog/log.h", "index/index.h", "immudb_index")])
def test_an_include_of_what_is_not_linked_is_seen(build, tmp_path, source, header, owner):
    path = tmp_path / source
    path.write_text(path.read_text() + f'#include "{header}"\n')
    assert f"(included by {source}), but does not link {owner}" in include_errors(build(), tmp_path)
