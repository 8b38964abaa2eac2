#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Concurrent clients that write and verify every answer for some seconds.

Each client keeps its own trusted root and moves it forward only with proofs. In the end all that
was written must have its own index, and the trusted root of every client must lie in the history
of the one final tree. Exits with 1 after any error or any answer that is not proven.

  IMMUDB_BINARY=build/release/bin/immudb tests/e2e/load.py --clients 64 --seconds 60
"""
import argparse
import collections
import multiprocessing
import random
import sys
import tempfile
import threading
import time
import traceback

from harness import verifier
from harness.daemon import Daemon
from harness.client import Client
from harness.stubs import schema

START_DEADLINE = 120
KEYS = 50  # of each client; so that keys get many versions


class Worker:
    """One client: a connection, a trusted root, what it wrote."""

    def __init__(self, number, target, token, seconds):
        self.name = b"c%03d-" % number
        self.client = Client(target, token=token)
        self.seconds = seconds
        self.random = random.Random(number)
        self.values = {}  # key -> newest value
        self.indices = []
        self.counts = collections.Counter()

    def run(self):
        actions = [self.safe_set] * 6 + [self.safe_get] * 6 + [
            self.plain_set, self.batch, self.by_index, self.reference, self.member, self.listing]
        until = time.monotonic() + self.seconds
        with self.client:
            while time.monotonic() < until:
                self.random.choice(actions)()

    def _pair(self):
        key = self.name + b"%d" % self.random.randrange(KEYS)
        return key, self.random.randbytes(self.random.choice((0, 10, 32, 200, 5000)))

    def _wrote(self, index, entries=1):
        self.indices.extend(range(index - entries + 1, index + 1))
        self.counts["writes"] += entries

    def _known(self):
        if not self.values:
            self.safe_set()
        return self.random.choice(list(self.values))

    def safe_set(self):
        key, value = self._pair()
        self._wrote(self.client.safe_set(key, value).index)
        self.values[key] = value
        self.counts["verified"] += 1

    def safe_get(self):
        key = self._known()
        item = self.client.safe_get(key).item
        if (item.key, item.value) != (key, self.values[key]):
            raise verifier.NotProven(f"{key} has another value than was written")
        self.counts.update(reads=1, verified=1)

    def plain_set(self):
        """Proven afterwards, with Inclusion and Consistency."""
        key, value = self._pair()
        index = self.client.Set(key=key, value=value).index
        self._wrote(index)
        self.values[key] = value
        self._include(index, key, value)

    def _include(self, index, key, value):
        client = self.client
        proof = client.Inclusion(index=index)
        leaf = verifier.leaf_digest(index, key, value)
        if proof.leaf != leaf or proof.index != index:
            raise verifier.NotProven("another leaf than was written")
        verifier.verify_inclusion(leaf, index, proof.at, proof.root, proof.path)
        self._catch_up()
        self.counts.update(reads=1, verified=1)

    def _catch_up(self):
        if not self.client.trust.root:
            return
        trust = self.client.trust
        step = self.client.Consistency(index=trust.index)
        if step.first != trust.index:
            raise verifier.NotProven("consistency from another tree than asked for")
        trust.advance(step.second, step.secondRoot, step.path)
        self.counts.update(reads=1, verified=1)

    def batch(self):
        pairs = dict(self._pair() for _ in range(self.random.randrange(1, 20)))
        last = self.client.SetBatch(KVs=[schema.KeyValue(key=key, value=value)
                                         for key, value in pairs.items()]).index
        self._wrote(last, len(pairs))
        self.values.update(pairs)
        for offset, (key, value) in enumerate(pairs.items()):
            if offset == 0 or offset == len(pairs) - 1:
                self._include(last - len(pairs) + 1 + offset, key, value)

    def by_index(self):
        if not self.indices:
            return
        self.client.safe_by_index(self.random.choice(self.indices))
        self.counts.update(reads=1, verified=1)

    def reference(self):
        key = self._known()
        name = b"ref-" + key
        self._wrote(self.client.safe_reference(name, key).index)
        item = self.client.safe_get(name).item
        if (item.key, item.value) != (key, self.values[key]):
            raise verifier.NotProven(f"the reference {name} leads elsewhere")
        self.counts.update(reads=1, verified=2)

    def member(self):
        key = self._known()
        self._wrote(self.client.safe_zadd(b"set-" + self.name, self.random.uniform(-9, 9),
                                          key).index)
        self.counts["verified"] += 1

    def listing(self):
        found = {item.key: item.value for item in self.client.Scan(prefix=self.name).items}
        if found != self.values:
            raise verifier.NotProven("a listing differs from what was written")
        self.counts["reads"] += 1


def guarded(worker, results):
    error = None
    try:
        worker.run()
    except BaseException:  # pylint: disable=broad-except
        error = traceback.format_exc()
    trust = worker.client.trust
    results.append((dict(worker.counts), worker.indices, (trust.index, trust.root), error))


def process(numbers, target, token, seconds, ready, queue):
    results = []
    threads = [threading.Thread(target=guarded, args=(Worker(n, target, token, seconds), results))
               for n in numbers]
    ready.wait(START_DEADLINE)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(results)


def spread(daemon, clients, processes, seconds):
    """Runs the clients; the results of all of them."""
    context = multiprocessing.get_context("spawn")  # gRPC does not survive a fork
    queue = context.Queue()
    tokens = [daemon.login().token for _ in range(processes)]
    ready = context.Barrier(processes)
    running = [context.Process(target=process, args=(
        range(first, clients, processes), daemon.target, tokens[first], seconds, ready, queue))
        for first in range(processes)]
    for each in running:
        each.start()
    results = [result for _ in running for result in queue.get(timeout=seconds + 2 * START_DEADLINE)]
    for each in running:
        each.join()
    return results


def judge(daemon, results):
    """Errors, seen over all clients."""
    errors = [error for *_, error in results if error]
    indices = [index for _, written, _, _ in results for index in written]
    if len(set(indices)) != len(indices):
        errors.append("an index was given twice")
    with daemon.login() as client:
        final = client.CurrentRoot()
        if not errors and final.index + 1 != len(indices):
            errors.append(f"{len(indices)} writes were acknowledged, {final.index + 1} are there")
        for _, _, (index, root), _ in results:
            if not root:
                continue
            proof = client.Consistency(index=index)
            try:
                verifier.verify_consistency(index, root, proof.second, proof.secondRoot,
                                            proof.path)
                if proof.secondRoot != final.root:
                    raise verifier.NotProven("the root changed without a write")
            except verifier.NotProven as error:
                errors.append(f"a client was shown another history: {error}")
    return errors, final


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=8, help="the clients are spread over them")
    given = parser.parse_args()
    processes = min(given.processes, given.clients)
    with tempfile.TemporaryDirectory(prefix="immudb-load-") as folder:
        with Daemon(folder) as daemon:
            results = spread(daemon, given.clients, processes, given.seconds)
            errors, final = judge(daemon, results)
            peak = daemon.peak_memory()
    total = collections.Counter()
    for counts, *_ in results:
        total.update(counts)
    idle = sum(not counts.get("verified") for counts, *_ in results)
    if idle:
        errors.append(f"{idle} clients had nothing verified")
    print(f"clients    : {given.clients} in {processes} processes, {given.seconds:g} s\n"
          f"writes     : {total['writes']} entries\n"
          f"reads      : {total['reads']}\n"
          f"verified   : {total['verified']}\n"
          f"errors     : {len(errors)}\n"
          f"last index : {final.index}\n"
          f"root       : {final.root.hex()}\n"
          f"peak memory: {peak / 1024:.1f} MiB")
    for error in errors[:10]:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
