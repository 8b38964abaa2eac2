# SPDX-License-Identifier: Apache-2.0
"""Get, GetBatch, ByIndex, History, Count."""
import pytest

from harness.client import refused
from harness.stubs import schema

from test_writes import RESERVED, kvs


def keys(*names):
    return [schema.Key(key=name) for name in names]


def test_a_missing_key(admin, key):
    for call in (admin.Get, admin.GetSV):
        with refused("NotFound", "Key not found"):
            call(key=key)
    for call in (admin.SafeGet, admin.SafeGetSV):
        with refused("NotFound", "Key not found"):
            call(key=key)


@pytest.mark.parametrize("name", [name for name in RESERVED if not name.startswith(b"!badger!")])
def test_reserved_keys_are_refused(admin, name):
    for call in (admin.Get, admin.GetSV, admin.SafeGet, admin.SafeGetSV):
        with refused("InvalidArgument", "invalid key"):
            call(key=name)
    for call in (admin.GetBatch, admin.GetBatchSV):
        with refused("InvalidArgument", "invalid key"):
            call(keys=keys(b"fine", name))


def test_engine_keys_are_just_not_found(admin):
    with refused("NotFound", "Key not found"):
        admin.Get(key=b"!badger!x")
    assert not admin.GetBatch(keys=keys(b"!badger!x")).items
    assert not admin.History(key=b"!badger!x").items


def test_get_batch_keeps_order_skips_missing_repeats_duplicates(admin, key):
    a, b, c = key + b"a", key + b"b", key + b"c"
    admin.SetBatch(KVs=kvs((a, b"1"), (b, b"2")))
    got = admin.GetBatch(keys=keys(b, c, a, b)).items
    assert [(item.key, item.value) for item in got] == [(b, b"2"), (a, b"1"), (b, b"2")]
    assert got[0] == admin.Get(key=b)
    assert not admin.GetBatch().items
    assert not admin.GetBatch(keys=keys(c)).items


def test_by_index(fresh):
    for call in (fresh.ByIndex, fresh.ByIndexSV):
        with refused("NotFound", "index not found"):
            call(index=0)
    fresh.Set(key=b"k", value=b"v")
    assert fresh.ByIndex(index=0) == schema.Item(key=b"k", value=b"v", index=0)
    for index in (1, 2**32, 2**63, 2**64 - 1):
        for call in (fresh.ByIndex, fresh.ByIndexSV, fresh.BySafeIndex):
            with refused("NotFound", "index not found"):
                call(index=index)


def test_history_is_newest_first_and_of_exactly_that_key(admin, key):
    wanted = []
    for i in range(30):
        wanted.insert(0, (admin.Set(key=key, value=b"%d" % i).index, b"%d" % i))
        admin.Set(key=key + b"longer", value=b"x")
        admin.Set(key=key[:-1], value=b"x")
    assert [(i.index, i.value) for i in admin.History(key=key).items] == wanted
    assert all(item.key == key for item in admin.History(key=key).items)


def test_history_edges(admin, key):
    assert not admin.History(key=key).items
    assert not admin.History(key=b"").items
    assert not admin.HistorySV(key=b"").items
    for name in (b"\x00", b"\x00x", b"IMMUDB.METADATA.LAST_FLUSHED_LEAF"):
        for call in (admin.History, admin.HistorySV):
            with refused("InvalidArgument", "invalid key"):
                call(key=name)


def test_history_shows_what_a_name_was(admin, key):
    """A name may be a value, then a reference, then a value again; all is kept."""
    target = key + b"target"
    admin.Set(key=target, value=b"t")
    indices = [admin.Set(key=key, value=b"plain").index,
               admin.Reference(reference=key, key=target).index]
    assert admin.Get(key=key).key == target
    indices.append(admin.Set(key=key, value=b"plain again").index)
    assert admin.Get(key=key).value == b"plain again"
    assert [(i.index, i.value) for i in admin.History(key=key).items] == [
        (indices[2], b"plain again"), (indices[1], target), (indices[0], b"plain")]


def test_count_is_of_distinct_keys_with_the_prefix(admin, key):
    assert admin.Count(prefix=key).count == 0
    for name in (b"", b"a", b"a", b"ab", b"b", b"\xff", b"\xff\xff\x01"):
        admin.Set(key=key + name, value=b"v")
    assert admin.Count(prefix=key).count == 6
    assert admin.Count(prefix=key + b"a").count == 2
    assert admin.Count(prefix=key + b"\xff").count == 2
    admin.Reference(reference=key + b"ref", key=key)
    assert admin.Count(prefix=key).count == 7
    admin.ZAdd(set=key + b"set", score=1, key=key)
    assert admin.Count(prefix=key).count == 7
    for prefix in (b"\x00", b"\x00x", b"IMMUDB.METADATA.LAST_FLUSHED_LEAF"):
        with refused("InvalidArgument", "invalid key prefix"):
            admin.Count(prefix=prefix)


def test_count_of_everything(fresh):
    assert fresh.Count().count == 0
    for name in (b"a", b"b", b"b", b"\xff"):
        fresh.Set(key=name, value=b"v")
    fresh.ZAdd(set=b"s", score=1, key=b"a")
    assert fresh.Count().count == 3


def test_many_versions_of_one_key(fresh):
    batch = kvs(*((b"k", b"%d" % i) for i in range(5000)))
    fresh.SetBatch(KVs=batch)
    items = fresh.History(key=b"k").items
    assert [item.index for item in items] == list(range(4999, -1, -1))
    assert fresh.Get(key=b"k").value == b"4999"
    assert fresh.Count(prefix=b"k").count == 1
    assert [item.value for item in fresh.Scan().items] == [b"4999"]
