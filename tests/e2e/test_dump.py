# SPDX-License-Identifier: Apache-2.0
"""Dump and PrintTree: everything that is stored, and the tree over it."""
import struct

import pytest

from harness.client import refused
from harness.stubs import schema
from harness.verifier import leaf_digest, root_of, set_member_key

from test_writes import kvs

VALUE, REFERENCE, NODE = b"\x00", b"\x01", b"\xff"


def node_key(layer, index):
    return b"\x00" + bytes([layer]) + struct.pack(">Q", index)


def subtree(leaves, layer, index):
    """The hash of a node: an incomplete right edge is promoted unchanged."""
    return root_of(leaves[index << layer:(index + 1) << layer])


def records(client):
    return [record for chunk in client.Dump() for record in chunk.kv]


@pytest.fixture
def filled(fresh):
    """A client, and its entries as hashed."""
    fresh.Set(key=b"k1", value=b"v1")
    fresh.Set(key=b"k1", value=b"v2")
    fresh.SetSV(key=b"s1", value=schema.Content(timestamp=1, payload=b"p"))
    fresh.Reference(reference=b"ref", key=b"k1")
    fresh.ZAdd(set=b"set", score=-1.5, key=b"k1")
    fresh.SetBatch(KVs=kvs((b"b1", b""), (b"b2", b"x"), (b"b1", b"y")))
    return fresh, [fresh.ByIndex(index=i) for i in range(8)]


def entries_of(dumped):
    return {(r.key, r.value, r.version, r.user_meta) for r in dumped if r.user_meta != NODE}


def test_an_empty_database(fresh):
    assert not records(fresh)
    assert fresh.PrintTree() == schema.Tree()


def test_dump_holds_every_version_of_every_kind(filled):
    client, entries = filled
    dumped = records(client)
    kinds = {b"ref": REFERENCE, set_member_key(b"set", -1.5, b"k1"): REFERENCE}
    assert entries_of(dumped) == {
        (item.key, item.value, item.index + 1, kinds.get(item.key, VALUE)) for item in entries}
    keys = [record.key for record in dumped if record.user_meta != NODE]
    assert keys == sorted(keys)
    versions = [record.version for record in dumped if record.key == b"k1"]
    assert versions == [2, 1]  # the newest first
    for record in dumped:
        # What a record 01 is, for loading: a reference (01), or a member (02, length of the set).
        kind = record.meta[:1] if record.user_meta == REFERENCE else b""
        assert record.meta[:1] == kind and kind in (b"", b"\x01", b"\x02")
        assert record.expires_at == 0 and record.stream_id >= 1


def test_dump_holds_the_tree(filled):
    client, entries = filled
    leaves = [leaf_digest(item.index, item.key, item.value) for item in entries]
    nodes = {r.key: r.value for r in records(client) if r.user_meta == NODE}
    assert nodes
    for i, item in enumerate(entries):
        assert nodes.pop(node_key(0, i)) == leaves[i] + item.key
    for key, value in nodes.items():
        assert value == subtree(leaves, key[1], struct.unpack(">Q", key[2:])[0])
    assert nodes[node_key(3, 0)] == client.CurrentRoot().root


def test_dump_after_a_restart(launch):
    daemon = launch("--auth=false")
    with daemon.client() as client:
        client.SetBatch(KVs=kvs(*((b"%d" % i, b"v") for i in range(100))))
        before = records(client)
    daemon.kill()
    daemon.start()
    with daemon.client() as client:
        assert records(client) == before and len(before) >= 100


def test_chunks_fit_the_clients_of_that_time(fresh):
    """4 MiB is the most that they take; whole messages, not only values, count."""
    for i in range(24):
        fresh.Set(key=b"large%02d" % i, value=bytes([i]) * (700 << 10))
    fresh.SetBatch(KVs=kvs(*((b"small%05d" % i, b"v" * 100) for i in range(30_000))))
    chunks = fresh.Dump(deadline=120)
    assert len(chunks) > 1
    assert max(chunk.ByteSize() for chunk in chunks) <= 4 << 20
    assert len(entries_of(record for chunk in chunks for record in chunk.kv)) == 30_024


def test_dump_is_of_one_moment(fresh):
    fresh.SetBatch(KVs=kvs(*((b"k%05d" % i, b"v" * 500) for i in range(20_000))))
    stream = fresh.channel.unary_stream("/immudb.schema.ImmuService/Dump")(b"", timeout=120)
    next(stream)
    fresh.Set(key=b"zzz-later", value=b"v")
    assert not any(b"zzz-later" in chunk for chunk in stream)


def test_a_dump_that_is_given_up_leaves_nothing_behind(launch):
    daemon = launch("--auth=false")
    with daemon.client() as client:
        client.SetBatch(KVs=kvs(*((b"k%05d" % i, b"v" * 2000) for i in range(8000))))
        for _ in range(20):
            stream = client.channel.unary_stream("/immudb.schema.ImmuService/Dump")(b"",
                                                                                   timeout=60)
            next(stream)
            stream.cancel()
        client.safe_set(b"after", b"v")
        assert len(client.Dump(deadline=60)) > 1


def test_dump_needs_a_selected_database_and_a_token(daemon):
    with daemon.client() as client:
        with refused("Unauthenticated", "please login first"):
            client.Dump()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_print_tree(fresh, size):
    fresh.SetBatch(KVs=kvs(*((b"key%d" % i, b"v") for i in range(size))))
    leaves = [leaf_digest(i, b"key%d" % i, b"v") for i in range(size)]
    layers = fresh.PrintTree().t
    assert len(layers) == (size - 1).bit_length() + 1
    for depth, layer in enumerate(layers):
        for index, node in enumerate(layer.l):
            assert node.i == node_key(depth, index)
            assert node.h == subtree(leaves, depth, index)
            assert node.refk == (b"key%d" % index if depth == 0 else b"")
            assert node.ref == (depth == 0)
            assert node.root == (depth == len(layers) - 1)
        assert len(layer.l) == -(-size >> depth)
    assert layers[-1].l[0].h == fresh.CurrentRoot().root


def test_a_tree_that_is_too_large_for_a_message(launch):
    daemon = launch("--auth=false", "--max-message-size", "1MiB")
    with daemon.client() as client:
        for part in range(4):
            client.SetBatch(KVs=kvs(*((b"%d-%d" % (part, i), b"") for i in range(5000))))
        with refused("ResourceExhausted"):
            client.PrintTree()
        assert len(entries_of(records(client))) == 20_000


@pytest.mark.parametrize("key,value", [(b"k", 100_000), (b"x" * 1000, 100_000), (b"x" * 65_000, 1)],
                         ids=["short key", "key of 1000", "longest key"])
def test_versions_of_one_key_over_several_chunks(fresh, key, value):
    """Where one chunk ends and the next goes on may lie between two versions of a key."""
    for i in range(100):
        fresh.Set(key=key, value=bytes([i]) * value)
    dumped = [(r.version, r.value[:1]) for chunk in fresh.Dump(deadline=15) for r in chunk.kv
              if r.user_meta == VALUE]
    assert dumped == [(i + 1, bytes([i])) for i in range(99, -1, -1)]
