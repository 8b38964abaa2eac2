# SPDX-License-Identifier: Apache-2.0
"""Random work against a model of some lines: what the daemon answers must be what the model says.

Every listing, history and look-up after random writes of every kind, also after restarts and
SIGKILL. A failure names the seed; the same seed gives the same calls.
"""
import random
import struct

import pytest

from harness import verifier
from harness.stubs import schema

PIECES = [b"a", b"b", b"\x01", b"\xff", b"\xff\xff", b"zz"]
SETS = [b"set", b"set2", b"s"]
SCORES = [-2.5, -1.0, -0.0, 0.0, 0.5, 1.0, 1e300, float("-inf"), float("inf")]


class Model:
    """All entries as hashed, and which is the newest of each key."""

    def __init__(self):
        self.entries = []  # (key, value)
        self.newest = {}  # key -> index
        self.pointer = {}  # key -> whether its newest entry is a reference or a set member
        self.versions = {}
        self.members = {}  # set -> {(score bits, key)}

    def add(self, key, value, pointer=False):
        index = len(self.entries)
        self.entries.append((key, value))
        self.newest[key] = index
        self.pointer[key] = pointer
        self.versions.setdefault(key, []).insert(0, index)
        return index

    def item(self, index):
        return schema.Item(key=self.entries[index][0], value=self.entries[index][1], index=index)

    def resolved(self, key):
        """The newest entry of the key; a pointer is followed one level."""
        index = self.newest[key]
        if self.pointer[key]:
            index = self.newest[self.entries[index][1]]
        return self.item(index)

    def is_member(self, key):
        return any(key == verifier.set_member_key(name, struct.unpack(">d", bits)[0], of)
                   for name, members in self.members.items() for bits, of in members)

    def scan(self, prefix, offset, limit, reverse, deep):
        keys = [key for key in sorted(self.newest, reverse=reverse) if key.startswith(prefix)
                and (deep or not self.pointer[key])
                and (not offset or (key < offset if reverse else key > offset))]
        return [self.resolved(key) for key in keys[:limit or None]]

    def zscan(self, name, offset, limit, reverse):
        def order(member):
            score = struct.unpack(">d", member[0])[0]
            return score, member[1], member[0]

        members = sorted(self.members.get(name, ()), key=order, reverse=reverse)
        if offset is not None:
            members = members[members.index(offset) + 1:]
        # The member is the pointer: its key is shown as it stands, also if that is a reference.
        return [self.item(self.newest[key]) for _, key in members[:limit or None]]

    def count(self, prefix):
        return sum(key.startswith(prefix) and not self.is_member(key) for key in self.newest)


class Play:
    def __init__(self, client, model, seed):
        self.client, self.model, self.random = client, model, random.Random(seed)

    def key(self):
        return b"".join(self.random.choices(PIECES, k=self.random.randrange(1, 4)))

    def known(self):
        plain = [key for key in self.model.newest if not self.model.is_member(key)]
        return self.random.choice(plain) if plain else None

    def value(self):
        return self.random.randbytes(self.random.choice((0, 3, 127, 128, 129, 1000)))

    def write(self):
        """One write of some kind, proven if it is a Safe one."""
        model, client, kind = self.model, self.client, self.random.randrange(8)
        known = self.known()
        if kind < 2 or known is None:
            key, value = self.key(), self.value()
            assert client.safe_set(key, value).index == model.add(key, value)
        elif kind < 4:
            key, value = self.key(), self.value()
            assert client.Set(key=key, value=value).index == model.add(key, value)
        elif kind == 4:
            pairs = [(self.key(), self.value()) for _ in range(self.random.randrange(1, 8))]
            last = client.SetBatch(KVs=[schema.KeyValue(key=k, value=v) for k, v in pairs]).index
            assert last == [model.add(k, v) for k, v in pairs][-1]
        elif kind == 5:
            name = b"ref" + self.key()
            call = client.safe_reference(name, known) if self.random.random() < .5 else (
                client.Reference(reference=name, key=known))
            assert call.index == model.add(name, known, pointer=True)
        else:
            name, score = self.random.choice(SETS), self.random.choice(SCORES)
            call = client.safe_zadd(name, score, known) if kind == 6 else (
                client.ZAdd(set=name, score=score, key=known))
            stored = verifier.set_member_key(name, score, known)
            assert call.index == model.add(stored, known, pointer=True)
            model.members.setdefault(name, set()).add((struct.pack(">d", score), known))

    def look(self):
        """One question of some kind."""
        getattr(self, self.random.choice(("_scan", "_zscan", "_points", "_count", "_pages")))()

    def _scan(self):
        asked = {"prefix": self.random.choice([b"", b"a", b"\xff", b"ref", b"b", self.key()]),
                 "offset": self.random.choice([b"", b"", self.key()]),
                 "limit": self.random.choice([0, 0, 1, 3]),
                 "reverse": self.random.random() < .5, "deep": self.random.random() < .3}
        assert list(self.client.Scan(**asked).items) == self.model.scan(**asked), asked

    def _zscan(self):
        name, members = self.random.choice(SETS), None
        reverse, limit = self.random.random() < .5, self.random.choice([0, 0, 2])
        known = sorted(self.model.members.get(name, ()))
        if known and self.random.random() < .5:
            members = self.random.choice(known)
        offset = b"" if members is None else name + members[0] + members[1]
        found = self.client.ZScan(set=name, offset=offset, limit=limit, reverse=reverse).items
        wanted = self.model.zscan(name, members, limit, reverse)
        assert list(found) == wanted, (name, members, limit, reverse)

    def _points(self):
        key = self.known()
        if key is None:
            return
        wanted = self.model.resolved(key)
        assert self.client.Get(key=key) == wanted
        assert self.client.safe_get(key).item == wanted
        assert list(self.client.History(key=key).items) == [
            self.model.item(index) for index in self.model.versions[key]]
        index = self.random.randrange(len(self.model.entries))
        assert self.client.safe_by_index(index).item == self.model.item(index)

    def _count(self):
        prefix = self.random.choice([b"", b"a", b"ref", b"\xff", self.key()])
        assert self.client.Count(prefix=prefix).count == self.model.count(prefix), prefix

    def _pages(self):
        size = len(self.model.entries)
        if not size:
            return
        page = self.random.randrange(1, 8)
        number = self.random.randrange(1, -(-size // page) + 1)
        answer = self.client.IScan(pageSize=page, pageNumber=number)
        indices = range((number - 1) * page, min(number * page, size))
        assert list(answer.items) == [self.model.item(index) for index in indices]
        assert answer.more == (number * page < size)

    def everything(self):
        leaves = [verifier.leaf_digest(i, *entry) for i, entry in enumerate(self.model.entries)]
        root = self.client.CurrentRoot()
        assert (root.index, root.root) == (len(leaves) - 1, verifier.root_of(leaves))
        for reverse in (False, True):
            assert list(self.client.Scan(reverse=reverse).items) == self.model.scan(
                b"", b"", 0, reverse, False)


@pytest.mark.parametrize("seed", range(1, 4))
def test_random_work(launch, seed):
    daemon, model, trust = launch("--auth=false"), Model(), None
    for round_ in range(3):
        with daemon.client() as client:
            client.trust = trust or client.trust
            play = Play(client, model, seed * 1000 + round_)
            for _ in range(150):
                play.write()
                play.look()
            play.everything()
            trust = client.trust
        (daemon.kill if (seed + round_) % 2 else daemon.stop)()
        daemon.start()
    with daemon.client() as client:
        client.trust = trust
        Play(client, model, seed).everything()
