# SPDX-License-Identifier: Apache-2.0
"""The HTTP pages of a daemon."""
import urllib.error
import urllib.request

# Not through a proxy of the machine.
_http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def base(daemon):
    """http://HOST:PORT, from the start block."""
    where = daemon.out.find("Metrics address :", 10).split(":", 1)[1].strip()
    assert where.endswith("/metrics")
    return "http://" + where.removesuffix("/metrics")


def get(url):
    try:
        with _http.open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def values(daemon):
    """The series of the page of metrics."""
    status, page = get(base(daemon) + "/metrics")
    assert status == 200
    series = [line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in series}
