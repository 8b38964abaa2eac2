# SPDX-License-Identifier: Apache-2.0
"""An independent verifier of what the server proves.

Written from the definitions of RFC 6962 (section 2.1) as recursions over the shape of the tree,
so that it shares neither code nor method with the iterative verifier of the product.
"""
import hashlib
import struct
from dataclasses import dataclass


class NotProven(AssertionError):
    """The server's answer does not prove what it says."""


def leaf_digest(index, key, value):
    return hashlib.sha256(b"\x00" + struct.pack(">QQ", index, len(key)) + key + value).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def set_member_key(name, score, key):
    """The stored key of a sorted-set entry."""
    return name + struct.pack(">d", score) + key


def split(size):
    """The largest power of two below size: where the tree of that size divides."""
    return 1 << ((size - 1).bit_length() - 1)


def root_of(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root_of(leaves[:k]), root_of(leaves[k:]))


def root_by_inclusion(leaf, index, size, path):
    """The root of the tree of `size` leaves, if `leaf` is its leaf number `index`."""
    if not 0 <= index < size:
        raise NotProven(f"leaf {index} is not in a tree of {size}")
    if size == 1:
        if path:
            raise NotProven("the inclusion path is too long")
        return leaf
    if not path:
        raise NotProven("the inclusion path is too short")
    k = split(size)
    if index < k:
        return node(root_by_inclusion(leaf, index, k, path[:-1]), path[-1])
    return node(path[-1], root_by_inclusion(leaf, index - k, size - k, path[:-1]))


def roots_by_consistency(old_root, old_size, size, path, whole=True):
    """(old root, new root) that the path leads to; PROOF and SUBPROOF of RFC 6962."""
    if old_size == size:
        if whole:
            if path:
                raise NotProven("the consistency path is too long")
            return old_root, old_root
        if len(path) != 1:
            raise NotProven("the consistency path has the wrong length")
        return path[0], path[0]
    if not path:
        raise NotProven("the consistency path is too short")
    k = split(size)
    if old_size <= k:
        old, new = roots_by_consistency(old_root, old_size, k, path[:-1], whole)
        return old, node(new, path[-1])
    old, new = roots_by_consistency(old_root, old_size - k, size - k, path[:-1], False)
    return node(path[-1], old), node(path[-1], new)


def verify_inclusion(leaf, index, at, root, path):
    if any(len(step) != 32 for step in path):
        raise NotProven("a step of the inclusion path is no hash")
    if root_by_inclusion(leaf, index, at + 1, list(path)) != root:
        raise NotProven(f"leaf {index} is not under the root at {at}")


def verify_consistency(first, first_root, second, second_root, path):
    if not 0 <= first <= second:
        raise NotProven(f"the tree at {second} does not extend the trusted one at {first}")
    if any(len(step) != 32 for step in path):
        raise NotProven("a step of the consistency path is no hash")
    old, new = roots_by_consistency(first_root, first + 1, second + 1, list(path))
    if old != first_root or new != second_root:
        raise NotProven(f"the tree at {second} is not an extension of the trusted one at {first}")


@dataclass
class Trust:
    """The newest tree that was proven: index of its last leaf, and its root."""
    index: int = 0
    root: bytes = b""

    def advance(self, at, root, path):
        """Takes the tree (at, root) if the path proves that it extends the trusted one."""
        if self.root:
            verify_consistency(self.index, self.root, at, root, path)
        self.index, self.root = at, root


def verify_proof(proof, key, value, trust):
    """A schema.Proof about the entry (proof.index, key, value); then its tree is trusted."""
    leaf = leaf_digest(proof.index, key, value)
    if proof.leaf != leaf:
        raise NotProven("proof does not match the given item")
    verify_inclusion(leaf, proof.index, proof.at, proof.root, proof.inclusionPath)
    trust.advance(proof.at, proof.root, proof.consistencyPath)
