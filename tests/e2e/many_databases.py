#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many databases in one daemon that may open only 1,024 files.

Creates them, writes to and reads from each, restarts the daemon, reads all again in another order;
every answer is verified against the root that was trusted before the restart. Prints times and
the daemon's peak memory. Exits with 1 if anything is not proven.

  IMMUDB_BINARY=build/release/bin/immudb tests/e2e/many_databases.py --databases 2000
"""
import argparse
import random
import sys
import tempfile
import time

from harness.daemon import Daemon
from harness.verifier import Trust


class Clock:
    def __init__(self):
        self.start = time.monotonic()

    def lap(self, what, daemon):
        now = time.monotonic()
        print(f"{what:<18}: {now - self.start:7.1f} s, "
              f"peak memory {daemon.peak_memory() / 1024:.1f} MiB, "
              f"{daemon.descriptors_open()} descriptors open", flush=True)
        self.start = time.monotonic()


def value_of(name, i):
    return f"value {i} of {name}".encode()


def create(client, names):
    for name in names:
        client.CreateDatabase(databasename=name)


def write(client, names, entries):
    """Writes to each; returns what is trusted of each afterwards."""
    trusts = {}
    for name in names:
        client.use(name)
        for i in range(entries):
            client.safe_set(b"key%d" % i, value_of(name, i))
        assert client.safe_get(b"key0").item.value == value_of(name, 0)
        trusts[name] = (client.trust.index, client.trust.root)
    return trusts


def read(client, names, entries, trusts):
    for name in names:
        client.use(name)
        client.trust = Trust(*trusts[name])
        for i in range(entries):
            assert client.safe_get(b"key%d" % i).item.value == value_of(name, i)
        root = client.CurrentRoot()
        assert (root.index, root.root) == trusts[name], f"{name} has another root"


def write_again(client, names, entries, trusts):
    """The databases take writes after the restart as before."""
    for name in names:
        client.use(name)
        client.trust = Trust(*trusts[name])
        assert client.safe_set(b"after", name.encode()).index == entries


def run(daemon, names, entries, kill):
    shuffled = list(names)
    random.Random(len(names)).shuffle(shuffled)
    clock = Clock()
    with daemon:
        with daemon.login() as client:
            create(client, names)
            clock.lap("created", daemon)
            trusts = write(client, shuffled, entries)
            clock.lap("written and read", daemon)
            read(client, names, entries, trusts)
            clock.lap("read again", daemon)
        if kill:
            daemon.kill()
        else:
            daemon.stop()
        daemon.start()
        clock.lap("killed, started" if kill else "stopped, started", daemon)
        with daemon.login() as client:
            found = {database.databasename for database in client.DatabaseList().databases}
            assert found == {"defaultdb", *names}
            random.Random(7).shuffle(shuffled)
            read(client, shuffled, entries, trusts)
            clock.lap("read after restart", daemon)
            write_again(client, shuffled[:100], entries, trusts)
            clock.lap("written again", daemon)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", type=int, default=2000)
    parser.add_argument("--entries", type=int, default=3, help="written to each database")
    parser.add_argument("--descriptors", type=int, default=1024, help="files it may have open")
    parser.add_argument("--kill", action="store_true", help="end it with SIGKILL, not SIGTERM")
    given = parser.parse_args()
    names = [f"db{i:05}" for i in range(given.databases)]
    with tempfile.TemporaryDirectory(prefix="immudb-many-") as folder:
        run(Daemon(folder, descriptors=given.descriptors), names, given.entries, given.kill)
    print(f"{given.databases} databases, every answer proven")
    return 0


if __name__ == "__main__":
    sys.exit(main())
