# SPDX-License-Identifier: Apache-2.0
"""The suite's own verifier: if it accepted anything, the other tests would prove nothing."""
import json
import os
from pathlib import Path

import pytest

from harness import verifier
from harness.stubs import ROOT, schema
from harness.verifier import NotProven, Trust

VECTORS = json.loads(Path(os.environ.get("IMMUDB_TEST_VECTORS",
                                         ROOT / "tests/vectors/vectors.json")).read_text())
unhex = bytes.fromhex


def steps(path):
    return [unhex(step) for step in path]


def test_leaf_digests():
    for case in VECTORS["digests"]:
        digest = verifier.leaf_digest(int(case["index"]), unhex(case["key"]), unhex(case["value"]))
        assert digest == unhex(case["digest"])


def test_roots():
    leaves = [unhex(case["leaf"]) for case in VECTORS["history_leaves"]]
    for case in VECTORS["history_roots"]:
        assert verifier.root_of(leaves[:case["n"]]) == unhex(case["root"])
    assert verifier.root_of([]) == unhex(VECTORS["empty_tree_root"])


def test_set_member_keys():
    for case in VECTORS["zkeys"]:
        stored = verifier.set_member_key(unhex(case["set"]), float(case["score"]),
                                         unhex(case["key"]))
        assert stored == unhex(case["stored_key"])
        assert verifier.leaf_digest(9, stored, unhex(case["key"])) == unhex(case["leaf_at_index_9"])


def test_serialised_content():
    for case in VECTORS["structured_values"]:
        content = schema.Content(timestamp=int(case["timestamp"]), payload=unhex(case["payload"]))
        assert content.SerializeToString() == unhex(case["serialised"])


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda c: f"{c['index']}-in-{c['n']}")
def test_inclusion(case):
    args = [unhex(case["leaf"]), case["index"], case["at"], unhex(case["root"]),
            steps(case["path"])]
    verifier.verify_inclusion(*args)
    for wrong in wrong_paths(args[4]):
        with pytest.raises(NotProven):
            verifier.verify_inclusion(*args[:4], wrong)
    for place, value in ((0, b"\xff" * 32), (3, b"\xff" * 32), (1, case["index"] + 1)):
        changed = list(args)
        changed[place] = value
        with pytest.raises(NotProven):
            verifier.verify_inclusion(*changed)


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda c: f"{c['m']}-to-{c['n']}")
def test_consistency(case):
    args = [case["first"], unhex(case["first_root"]), case["second"], unhex(case["second_root"]),
            steps(case["path"])]
    verifier.verify_consistency(*args)
    for wrong in wrong_paths(args[4]):
        with pytest.raises(NotProven):
            verifier.verify_consistency(*args[:4], wrong)
    for place in (1, 3):
        changed = list(args)
        changed[place] = b"\xff" * 32
        with pytest.raises(NotProven):
            verifier.verify_consistency(*changed)
    if case["m"] < case["n"]:  # a tree that shrank
        with pytest.raises(NotProven):
            verifier.verify_consistency(*args[2:4], *args[0:2], args[4])


def wrong_paths(path):
    yield path + [b"\xee" * 32]
    if path:
        yield path[:-1]
        yield path[1:]
        for i in range(len(path)):
            yield path[:i] + [b"\xff" * 32] + path[i + 1:]
            yield path[:i] + [path[i][:31]] + path[i + 1:]


@pytest.mark.parametrize("case", VECTORS["safe_proofs"],
                         ids=lambda c: f"{c['proof']['index']}-in-{c['n']}")
def test_whole_proofs(case):
    given = case["proof"]
    proof = schema.Proof(leaf=unhex(given["leaf"]), index=given["index"], at=given["at"],
                         root=unhex(given["root"]), inclusionPath=steps(given["inclusionPath"]),
                         consistencyPath=steps(given["consistencyPath"]))
    entry = VECTORS["history_leaves"][given["index"]]
    trust = Trust(case["request_root_index"] or 0, unhex(case["previous_root"]))
    verifier.verify_proof(proof, unhex(entry["key"]), unhex(entry["value"]), trust)
    assert (trust.index, trust.root) == (given["at"], unhex(given["root"]))
    with pytest.raises(NotProven):
        verifier.verify_proof(proof, unhex(entry["key"]), b"another value", Trust())
    with pytest.raises(NotProven):  # another history
        verifier.verify_proof(proof, unhex(entry["key"]), unhex(entry["value"]),
                              Trust(case["request_root_index"] or 0, b"\xff" * 32))


def test_live_history_has_the_leaves_and_roots_of_the_vectors(fresh):
    """One entry of each kind: another leaf or root breaks every client of that time."""
    kv, content = schema.KeyValue, schema.Content
    fresh.Set(key=b"k1", value=b"v1")
    fresh.Set(key=b"k1", value=b"v2")
    fresh.SetSV(key=b"s1", value=content(timestamp=1598659200, payload=b"hello"))
    fresh.Reference(reference=b"ref1", key=b"k1")
    fresh.ZAdd(set=b"set1", score=1.5, key=b"k1")
    fresh.ZAdd(set=b"set1", score=-2.0, key=b"s1")
    fresh.SetBatch(KVs=[kv(key=b"b1", value=b"x"), kv(key=b"b2", value=b"y"),
                        kv(key=b"b3", value=b"z")])
    for step in VECTORS["session"]:
        item = fresh.ByIndex(index=step["index"])
        assert (item.index, item.key.hex(), item.value.hex()) == (
            step["index"], step["hashed_key"], step["hashed_value"])
        proof = fresh.Inclusion(index=step["index"])
        assert proof.leaf.hex() == step["leaf"]
    root = fresh.CurrentRoot()
    assert (root.index, root.root.hex()) == (VECTORS["session"][-1]["at"],
                                             VECTORS["session"][-1]["root"])


def test_live_roots_after_each_write(fresh):
    for leaf, tree in zip(VECTORS["history_leaves"], VECTORS["history_roots"]):
        fresh.Set(key=unhex(leaf["key"]), value=unhex(leaf["value"]))
        root = fresh.CurrentRoot()
        assert (root.index, root.root.hex()) == (tree["at"], tree["root"])
