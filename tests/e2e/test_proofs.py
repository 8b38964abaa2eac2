# SPDX-License-Identifier: Apache-2.0
"""What the server proves, recomputed by a verifier that is not its own."""
import random
import threading

import pytest

from harness import verifier
from harness.client import refused
from harness.daemon import Daemon
from harness.stubs import schema
from harness.verifier import Trust, leaf_digest, root_of

from test_writes import kvs

SIZE = 37


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A client of a daemon to which nothing else is written, and all its leaves."""
    leaves = []
    with Daemon(tmp_path_factory.mktemp("history"), "--auth=false") as daemon:
        client = daemon.client()
        for i in range(SIZE):
            client.Set(key=b"key%d" % i, value=b"value%d" % i)
            leaves.append(leaf_digest(i, b"key%d" % i, b"value%d" % i))
        yield client, leaves
        client.close()


def test_inclusion_of_each_leaf(history):
    client, leaves = history
    for i, leaf in enumerate(leaves):
        proof = client.Inclusion(index=i)
        assert (proof.index, proof.at, proof.leaf) == (i, SIZE - 1, leaf)
        assert proof.root == root_of(leaves)
        verifier.verify_inclusion(leaf, i, proof.at, proof.root, proof.path)


def test_consistency_from_each_tree(history):
    client, leaves = history
    for i in range(SIZE):
        proof = client.Consistency(index=i)
        assert (proof.first, proof.second) == (i, SIZE - 1)
        assert proof.firstRoot == b""  # the client fills it in when it has verified
        assert proof.secondRoot == root_of(leaves)
        verifier.verify_consistency(i, root_of(leaves[:i + 1]), SIZE - 1, proof.secondRoot,
                                    proof.path)
    assert not client.Consistency(index=SIZE - 1).path


def test_safe_reads_from_every_trusted_tree(history):
    """All pairs of (entry, tree that a client may trust)."""
    client, leaves = history
    for trusted in range(SIZE):
        index = random.Random(trusted).randrange(SIZE)
        client.trust = Trust(trusted, root_of(leaves[:trusted + 1]))
        assert client.safe_get(b"key%d" % index).item.value == b"value%d" % index
        client.trust = Trust(trusted, root_of(leaves[:trusted + 1]))
        assert client.safe_by_index(index).item.key == b"key%d" % index
        assert client.trust == Trust(SIZE - 1, root_of(leaves))


def test_without_root_index_the_path_is_from_the_first_tree(history):
    client, leaves = history
    for request in ({}, {"rootIndex": schema.Index()}):
        for answer in (client.SafeGet(key=b"key3", **request),
                       client.BySafeIndex(index=3, **request)):
            verifier.verify_proof(answer.proof, b"key3", b"value3", Trust(0, leaves[0]))


def test_root_index_of_the_current_tree_gives_no_path(history):
    client, _ = history
    answer = client.SafeGet(key=b"key3", rootIndex=schema.Index(index=SIZE - 1))
    assert not answer.proof.consistencyPath and answer.proof.at == SIZE - 1


@pytest.mark.parametrize("index", [SIZE, SIZE + 1, 2**63, 2**64 - 1])
def test_a_root_index_beyond_the_tree(history, index):
    """A client that trusts a longer tree must hear of it: the database shrank."""
    client, _ = history
    beyond = schema.Index(index=index)
    pair = schema.KeyValue(key=b"x", value=b"v")
    content = schema.StructuredKeyValue(key=b"x", value=schema.Content(timestamp=1))
    reference = schema.ReferenceOptions(reference=b"r", key=b"key0")
    member = schema.ZAddOptions(set=b"s", score=1, key=b"key0")
    for call, fields in ((client.SafeGet, {"key": b"key0"}), (client.SafeGetSV, {"key": b"key0"}),
                         (client.BySafeIndex, {"index": 0}), (client.SafeSet, {"kv": pair}),
                         (client.SafeSetSV, {"skv": content}),
                         (client.SafeReference, {"ro": reference}),
                         (client.SafeZAdd, {"zopts": member})):
        with refused("InvalidArgument", "invalid root index"):
            call(rootIndex=beyond, **fields)
    assert client.CurrentRoot().index == SIZE - 1


def test_order_of_errors(history):
    client, _ = history
    beyond = schema.Index(index=10**6)
    with refused("InvalidArgument", "invalid key"):
        client.SafeGet(key=b"", rootIndex=beyond)
    with refused("InvalidArgument", "invalid root index"):
        client.SafeGet(key=b"missing", rootIndex=beyond)
    with refused("NotFound", "index not found"):
        client.BySafeIndex(index=10**6, rootIndex=beyond)


@pytest.mark.parametrize("index", [SIZE, 2**32, 2**63 - 1, 2**64 - 1])
def test_no_proof_beyond_the_end(history, index):
    client, _ = history
    with refused("NotFound", "index not found"):
        client.Inclusion(index=index)
    with refused("NotFound", "index not found"):
        client.Consistency(index=index)


def test_an_empty_database_proves_nothing(fresh):
    assert fresh.CurrentRoot() == schema.Root()
    for index in (0, 1, 2**64 - 1):
        with refused("NotFound", "index not found"):
            fresh.Inclusion(index=index)
        with refused("NotFound", "index not found"):
            fresh.Consistency(index=index)
        with refused("NotFound", "index not found"):
            fresh.BySafeIndex(index=index)
    with refused("NotFound", "Key not found"):
        fresh.SafeGet(key=b"k", rootIndex=schema.Index(index=7))


def test_the_first_entry(fresh):
    """Whatever root index an empty database is asked with, the first proof is of one leaf."""
    proof = fresh.SafeSet(kv=schema.KeyValue(key=b"k", value=b"v"),
                          rootIndex=schema.Index(index=5))
    assert (proof.index, proof.at) == (0, 0)
    assert proof.root == proof.leaf == leaf_digest(0, b"k", b"v")
    assert not proof.inclusionPath and not proof.consistencyPath


def test_each_kind_of_safe_write_extends_the_tree(fresh):
    leaves = []
    for i in range(30):
        key, value = b"k%d" % i, b"v%d" % i
        kind = i % 4
        if kind == 0:
            fresh.safe_set(key, value)
        elif kind == 1:
            fresh.safe_set_sv(key, 7, value)
            value = schema.Content(timestamp=7, payload=value).SerializeToString()
        elif kind == 2:
            fresh.safe_reference(key, b"k0")
            value = b"k0"
        else:
            fresh.safe_zadd(b"set", i / 3, b"k0")
            key, value = verifier.set_member_key(b"set", i / 3, b"k0"), b"k0"
        leaves.append(leaf_digest(i, key, value))
        assert fresh.trust == Trust(i, root_of(leaves))
        root = fresh.CurrentRoot()
        assert (root.index, root.root) == (i, root_of(leaves))


def test_trees_around_powers_of_two(fresh):
    leaves = []
    for size in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023,
                 1024, 1025):
        batch = [(b"k%d" % i, b"v") for i in range(len(leaves), size)]
        fresh.SetBatch(KVs=kvs(*batch))
        leaves += [leaf_digest(len(leaves) + i, key, value) for i, (key, value) in enumerate(batch)]
        assert fresh.CurrentRoot().root == root_of(leaves)
        for index in {0, size // 2, size - 1}:
            fresh.safe_by_index(index)
        for first in {0, (size - 1) // 2, max(size - 2, 0)}:
            proof = fresh.Consistency(index=first)
            verifier.verify_consistency(first, root_of(leaves[:first + 1]), size - 1,
                                        root_of(leaves), proof.path)


def test_concurrent_writers_each_see_one_growing_history(launch):
    """Eight clients write and verify at once; in the end every entry is under the final root."""
    daemon = launch("--auth=false")
    written, failures = {}, []

    def work(number):
        try:
            with daemon.client() as client:
                for i in range(40):
                    key, value = b"%d-%d" % (number, i), b"v%d" % i
                    proof = client.safe_set(key, value)
                    written[proof.index] = (key, value)
                    assert client.safe_get(key).item.value == value
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert sorted(written) == list(range(320))
    leaves = [leaf_digest(i, *written[i]) for i in range(320)]
    with daemon.client() as client:
        assert client.CurrentRoot().root == root_of(leaves)
