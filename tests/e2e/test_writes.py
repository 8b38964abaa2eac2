# SPDX-License-Identifier: Apache-2.0
"""Set, SetBatch and what they leave behind."""
import pytest

from harness import verifier
from harness.client import refused
from harness.stubs import schema


def kvs(*pairs):
    return [schema.KeyValue(key=key, value=value) for key, value in pairs]


def test_indices_are_dense_from_zero(fresh):
    assert [fresh.Set(key=b"k%d" % (i % 3), value=b"v").index for i in range(10)] == list(range(10))


def test_every_kind_of_entry_takes_one_index(fresh):
    content = schema.Content(timestamp=1, payload=b"p")
    assert fresh.Set(key=b"a", value=b"1").index == 0
    assert fresh.SetSV(key=b"b", value=content).index == 1
    assert fresh.SetBatch(KVs=kvs((b"c", b"1"), (b"d", b"2"), (b"e", b"3"))).index == 4
    assert fresh.SetBatchSV(SKVs=[schema.StructuredKeyValue(key=b"f", value=content),
                                  schema.StructuredKeyValue(key=b"g", value=content)]).index == 6
    assert fresh.Reference(reference=b"r", key=b"a").index == 7
    assert fresh.ZAdd(set=b"s", score=1, key=b"a").index == 8
    assert fresh.safe_set(b"h", b"1").index == 9
    assert fresh.safe_set_sv(b"i", 1, b"x").index == 10
    assert fresh.safe_reference(b"r2", b"a").index == 11
    assert fresh.safe_zadd(b"s", 2, b"a").index == 12
    assert fresh.CurrentRoot().index == 12


def test_a_refused_write_takes_no_index(fresh):
    fresh.Set(key=b"k", value=b"v")
    before = fresh.CurrentRoot()
    with refused("InvalidArgument", "invalid key"):
        fresh.Set(key=b"", value=b"v")
    with refused("InvalidArgument", "invalid key"):
        fresh.SetBatch(KVs=kvs((b"good", b"1"), (b"", b"2")))
    with refused("NotFound", "Key not found"):
        fresh.Reference(reference=b"r", key=b"missing")
    with refused("NotFound", "Key not found"):
        fresh.ZAdd(set=b"s", score=1, key=b"missing")
    with refused("InvalidArgument", "invalid root index"):
        fresh.SafeSet(kv=schema.KeyValue(key=b"x", value=b"v"), rootIndex=schema.Index(index=1))
    assert fresh.CurrentRoot() == before
    with refused("NotFound", "Key not found"):
        fresh.Get(key=b"good")
    assert fresh.Set(key=b"k", value=b"v").index == 1


def test_overwriting_makes_a_version(admin, key):
    first = admin.Set(key=key, value=b"one").index
    second = admin.Set(key=key, value=b"two").index
    assert second > first
    assert admin.Get(key=key).value == b"two"
    assert [(i.index, i.value) for i in admin.History(key=key).items] == [(second, b"two"),
                                                                         (first, b"one")]


def test_a_finished_write_is_in_the_tree(admin, key):
    for i in range(20):
        index = admin.Set(key=key + b"%d" % i, value=b"v").index
        assert admin.CurrentRoot().index >= index
        assert admin.Inclusion(index=index).leaf == verifier.leaf_digest(
            index, key + b"%d" % i, b"v")


def test_values_come_back_as_they_went(admin, key):
    for i, value in enumerate([b"", b"\x00", b"\xff" * 5, bytes(range(256)) * 40, b"100% \n\r\t",
                               "значение".encode(), b"x" * 127, b"x" * 128, b"x" * 129,
                               b"x" * 4096, b"x" * 65536]):
        name = key + b"%d" % i
        index = admin.Set(key=name, value=value).index
        item = admin.Get(key=name)
        assert (item.key, item.value, item.index) == (name, value, index)
        assert admin.ByIndex(index=index) == item


def test_keys_may_be_any_bytes_but_reserved_ones(admin, key):
    for tail in (b"\x00", b"\xff", b"\x00\xff\x00", "ключ".encode(), b" ", b"%s", b"\n"):
        admin.Set(key=key + tail, value=tail)
        assert admin.Get(key=key + tail).value == tail
    for name in (b"\x01", b"\xff", b"\xff" * 40, b"!badger", b"IMMUDB.METADATA.LAST_FLUSHED_LEA",
                 b"IMMUDB.METADATA.LAST_FLUSHED_LEAF2"):
        admin.Set(key=name, value=b"v")
        assert admin.Get(key=name).value == b"v"


RESERVED = [b"", b"\x00", b"\x00anything", b"IMMUDB.METADATA.LAST_FLUSHED_LEAF", b"!badger!",
            b"!badger!x"]
reserved = pytest.mark.parametrize("name", RESERVED)


@reserved
def test_reserved_keys_are_refused(admin, name):
    content = schema.Content(timestamp=1)
    structured = schema.StructuredKeyValue(key=name, value=content)
    for call in (lambda: admin.Set(key=name, value=b"v"),
                 lambda: admin.SetSV(structured),
                 lambda: admin.SafeSet(kv=schema.KeyValue(key=name, value=b"v")),
                 lambda: admin.SafeSetSV(skv=structured),
                 lambda: admin.SetBatch(KVs=kvs((name, b"v"))),
                 lambda: admin.SetBatchSV(SKVs=[structured])):
        with refused("InvalidArgument", "invalid key"):
            call()


@pytest.mark.parametrize("name,request_type", [
    ("SafeSet", "SafeSetOptions"), ("SafeSetSV", "SafeSetSVOptions"),
    ("SafeReference", "SafeReferenceOptions"), ("SafeZAdd", "SafeZAddOptions")])
def test_a_missing_part_is_refused(daemon, admin, name, request_type):
    """These calls ended the process of the original."""
    for request in (getattr(schema, request_type)(),
                    getattr(schema, request_type)(rootIndex=schema.Index(index=0))):
        with refused("InvalidArgument", "invalid key"):
            getattr(admin, name)(request)
    assert daemon.alive()


def test_structured_writes_need_a_value(admin, key):
    nothing = schema.StructuredKeyValue(key=key)
    for call in (lambda: admin.SetSV(nothing), lambda: admin.SafeSetSV(skv=nothing),
                 lambda: admin.SetBatchSV(SKVs=[nothing])):
        with refused("InvalidArgument", "proto: Marshal called with nil"):
            call()


def test_empty_batches_are_refused(admin):
    with refused("InvalidArgument", "Empty set"):
        admin.SetBatch()
    with refused("InvalidArgument", "Empty set"):
        admin.SetBatchSV()


def test_each_entry_of_a_batch_has_its_own_index_and_proof(fresh):
    fresh.Set(key=b"before", value=b"v")
    assert fresh.SetBatch(KVs=kvs(*((b"b%d" % i, b"v%d" % i) for i in range(9)))).index == 9
    for i in range(9):
        name = b"b%d" % i
        assert fresh.Get(key=name).index == i + 1
        assert fresh.History(key=name).items[0].index == i + 1
        assert fresh.ByIndex(index=i + 1).key == name
        answer = fresh.safe_get(name)
        assert (answer.item.index, answer.item.value) == (i + 1, b"v%d" % i)


def test_a_key_twice_in_a_batch_has_two_versions(fresh):
    fresh.SetBatch(KVs=kvs((b"k", b"one"), (b"other", b"x"), (b"k", b"two")))
    assert fresh.Get(key=b"k").value == b"two"
    assert [(i.index, i.value) for i in fresh.History(key=b"k").items] == [(2, b"two"),
                                                                          (0, b"one")]
    for index, value in ((0, b"one"), (1, b"x"), (2, b"two")):
        assert fresh.safe_by_index(index).item.value == value


def test_a_batch_is_all_or_nothing(fresh):
    with refused("InvalidArgument", "invalid key"):
        fresh.SetBatch(KVs=kvs(*((b"k%d" % i, b"v") for i in range(500)), (b"\x00", b"v")))
    assert fresh.CurrentRoot() == schema.Root()


def test_a_batch_larger_than_the_original_took(fresh):
    """60,000 entries: the original refused them, or lost its place in the tree for ever."""
    count = 60_000
    assert fresh.SetBatch(KVs=kvs(*((b"%d" % i, b"") for i in range(count)))).index == count - 1
    for index in (0, 1, 31_415, count - 1):
        assert fresh.safe_by_index(index).item.key == b"%d" % index
    assert fresh.Count().count == count
    fresh.safe_set(b"after", b"v")
