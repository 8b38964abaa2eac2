# SPDX-License-Identifier: Apache-2.0
"""What stands around a daemon: an auditor, a Prometheus; and how to ask them."""
import json
import os
import subprocess
import time
import urllib.parse
from pathlib import Path

import yaml

import sources
from harness import pages
from harness.daemon import Output, binary

DEADLINE = 60


def get(url):
    status, page = pages.get(url)
    assert status == 200, page
    return page


def metrics_address(daemon):
    """HOST:PORT of the daemon's metrics."""
    return pages.base(daemon).removeprefix("http://")


def eventually(condition, what):
    """What the condition returns as soon as that is true."""
    end = time.monotonic() + DEADLINE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.05)


class _Process:
    def __init__(self, command, folder):
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={"HOME": str(folder), "PATH": os.environ["PATH"]})
        self.out, self.err = Output(self.process.stdout), Output(self.process.stderr)

    def __enter__(self):
        try:
            self.await_start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Auditor(_Process):
    """immuclient audit-mode of all databases of a daemon, a round a second."""

    def __init__(self, folder, daemon):
        folder.mkdir()
        password = folder / "password"
        password.write_text("immudb")
        super().__init__(
            [str(Path(binary()).parent / "immuclient"), "audit-mode",
             "--immudb-port", str(daemon.port), "--audit-username", "immudb",
             "--audit-password-file", str(password), "--audit-interval", "1s",
             "--roots-filepath", str(folder / "roots"), "--prometheus-host", "127.0.0.1",
             "--prometheus-port", "0"], folder)

    def await_start(self):
        line = self.out.find("Beginning to serve on port", DEADLINE)
        assert line is not None, self.err.text()
        self.address = line.rsplit(" ", 2)[1]


class Prometheus(_Process):
    """A real one with the configuration of the tree; only targets and intervals are others."""

    def __init__(self, folder, servers, auditors):
        folder.mkdir()
        config = sources.load_yaml(sources.PROMETHEUS / "prometheus.yml")
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s",
                            "evaluation_interval": "1s"}
        config["rule_files"] = [str(sources.PROMETHEUS / name) for name in config["rule_files"]]
        targets = {"immudb": servers, "immudb-auditor": auditors}
        for job in config["scrape_configs"]:
            job.pop("file_sd_configs", None)
            job["static_configs"] = [{"targets": targets[job["job_name"]]}]
        path = folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        super().__init__(
            [sources.tool("prometheus"), f"--config.file={path}",
             f"--storage.tsdb.path={folder / 'data'}", "--web.listen-address=127.0.0.1:0",
             "--log.format=json"], folder)

    def await_start(self):
        self.base = "http://" + eventually(self._address, "Prometheus listens")
        eventually(lambda: pages.get(self.base + "/-/ready")[0] == 200, "Prometheus is ready")

    def _address(self):
        assert self.process.poll() is None, self.err.text()
        lines = [json.loads(line) for line in self.err.text().splitlines() if line.endswith("}")]
        return next((line["address"] for line in lines if line.get("msg") == "Listening on"), None)

    def api(self, path, **parameters):
        answer = json.loads(get(f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        data = self.api("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def value(self, expression):
        """Of the only series; None if there is none."""
        rows = self.query(expression)
        assert len(rows) <= 1, rows
        return rows[0][1] if rows else None

    def alerts(self):
        """{(name, instance): alert} of those that fire or wait to fire."""
        return {(alert["labels"]["alertname"], alert["labels"].get("instance")): alert
                for alert in self.api("alerts")["alerts"]}
