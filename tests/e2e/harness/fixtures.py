# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the black-box suites; a conftest.py takes them with `from harness.fixtures import *`."""
import itertools

import pytest

from .daemon import Daemon

_numbers = itertools.count()


@pytest.fixture(scope="session")
def daemon(tmp_path_factory):
    """One daemon for all tests of a file that do not disturb each other; auth is on."""
    with Daemon(tmp_path_factory.mktemp("shared")) as running:
        yield running


@pytest.fixture(scope="session")
def admin(daemon):
    """The system administrator on defaultdb of the shared daemon."""
    with daemon.login() as client:
        yield client


@pytest.fixture
def key():
    """A key that no other test uses; also good as the beginning of several."""
    return b"key-%d-" % next(_numbers)


@pytest.fixture
def launch(tmp_path):
    """launch(*options) starts a daemon of this test alone; all are stopped in the end."""
    started = []

    def start(*options, name="own", **settings):
        running = Daemon(tmp_path / f"{name}{len(started)}", *options, **settings)
        started.append(running)
        return running.start()

    yield start
    for running in started:
        if running.process is not None and running.process.returncode is None:
            running.stop()


@pytest.fixture
def fresh(launch):
    """A client of an empty database: a daemon without authentication."""
    with launch("--auth=false").client() as client:
        yield client
