# SPDX-License-Identifier: Apache-2.0
"""The verification that docs/clients.md gives to other languages: against trees that an independent
reference makes, and against proofs that were changed."""
import sys
from types import SimpleNamespace

import pytest

import pages

sys.path.insert(0, str(pages.ROOT / "tests/e2e"))

from harness import verifier as reference  # noqa: E402

LARGEST = 20


@pytest.fixture(scope="module")
def proofs():
    [text] = [block.text for block in pages.blocks("docs/clients.md") if block.name == "proofs.py"]
    module = {}
    exec(compile(text, "docs/clients.md", "exec"), module)
    return SimpleNamespace(**module)


def leaves(size):
    return [reference.leaf_digest(index, b"key %d" % index, b"value") for index in range(size)]


def inclusion_path(index, tree):
    """PATH of RFC 6962, 2.1.1."""
    if len(tree) == 1:
        return []
    k = reference.split(len(tree))
    if index < k:
        return inclusion_path(index, tree[:k]) + [reference.root_of(tree[k:])]
    return inclusion_path(index - k, tree[k:]) + [reference.root_of(tree[:k])]


def consistency_path(size, tree, whole=True):
    """SUBPROOF of RFC 6962, 2.1.2."""
    if size == len(tree):
        return [] if whole else [reference.root_of(tree)]
    k = reference.split(len(tree))
    if size <= k:
        return consistency_path(size, tree[:k], whole) + [reference.root_of(tree[k:])]
    return consistency_path(size - k, tree[k:], False) + [reference.root_of(tree[:k])]


def answer(index, old, size):
    """(proof, key, value, trusted): what a server with `size` entries answers."""
    tree = leaves(size)
    proof = SimpleNamespace(leaf=tree[index], index=index, root=reference.root_of(tree),
                            at=size - 1, inclusionPath=inclusion_path(index, tree),
                            consistencyPath=consistency_path(old, tree))
    return proof, b"key %d" % index, b"value", (old - 1, reference.root_of(tree[:old]))


def changed(path):
    """The path with a step changed, missing, or one more."""
    for place, step in enumerate(path):
        yield path[:place] + [bytes([step[0] ^ 1]) + step[1:]] + path[place + 1:]
        yield path[:place] + path[place + 1:]
    yield path + [b"\x00" * 32]


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_honest_proofs_are_believed(proofs, size):
    for index in range(size):
        for old in range(1, size + 1):
            given = answer(index, old, size)
            assert proofs.verify(*given) == (size - 1, given[0].root)
            assert proofs.verify(*given[:3], None) == (size - 1, given[0].root)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, LARGEST])
def test_changed_proofs_are_not(proofs, size):
    def refuses(proof, key, value, trusted):
        with pytest.raises(proofs.NotProven):
            proofs.verify(proof, key, value, trusted)

    for index in range(size):
        for old in range(1, size + 1):
            proof, key, value, trusted = answer(index, old, size)
            refuses(proof, key, b"another", trusted)
            refuses(proof, key + b"v", value[1:], trusted)
            refuses(proof, key, value, (trusted[0], bytes(32)))
            for name in ("inclusionPath", "consistencyPath"):
                for path in changed(getattr(proof, name)):
                    refuses(SimpleNamespace(**{**vars(proof), name: path}), key, value, trusted)
            other = {**vars(proof), "index": index + 1}
            refuses(SimpleNamespace(**other), key, value, trusted)
    proof, key, value, _ = answer(0, 1, size)
    refuses(proof, key, value, (size, proof.root))  # the tree shrank
