# SPDX-License-Identifier: Apache-2.0
"""What the attackers of a daemon know: its ports, the account `eve`, and data for costly calls."""
from . import http1
from .stubs import schema

USER, PASSWORD, DATABASE = "eve", "Hostile-Pass1", "evesdb"
SERVICE = "/immudb.schema.ImmuService/"
BATCH = 10_000


class World:
    """`eve` may read and write the database `evesdb`, and nothing else."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.port = daemon.port
        self.metrics_port = http1.metrics_port(daemon)
        with daemon.login() as admin:
            admin.CreateDatabase(databasename=DATABASE)
            admin.CreateUser(user=USER.encode(), password=PASSWORD.encode(), permission=2,
                             database=DATABASE)
        self.token = self.login()

    def login(self):
        with self.eve() as client:
            return client.token

    def eve(self):
        return self.daemon.login(USER, PASSWORD, DATABASE)

    def fill(self, keys=0, megabytes=0, largest=0):
        """Small keys `n...` to count, values of 1 MB `s...` to scan, one of `largest` bytes."""
        with self.eve() as client:
            for first in range(0, keys, BATCH):
                client.SetBatch(KVs=[schema.KeyValue(key=b"n%08d" % i, value=b"v")
                                     for i in range(first, min(first + BATCH, keys))])
            for i in range(megabytes):
                client.Set(key=b"s%04d" % i, value=bytes(1 << 20))
            if largest:
                client.Set(key=b"large", value=bytes(largest))
        return self
