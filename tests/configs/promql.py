# SPDX-License-Identifier: Apache-2.0
"""Just enough of PromQL, and of the text format, to say what an expression reads."""
import re
from collections import namedtuple

Matcher = namedtuple("Matcher", "label operator value")
Selector = namedtuple("Selector", "metric matchers")
Series = namedtuple("Series", "metric labels value")

_TOKEN = re.compile(r"""
    "(?:[^"\\]|\\.)*"           # a string
  | \[[^\]]*\]                  # a range
  | \d[\w.]*                    # a number or duration
  | [A-Za-z_:][\w:]*            # a name
  | =~ | !~ | != | >= | <= | ==
  | \S
""", re.VERBOSE)
_NAME = re.compile(r"[A-Za-z_:][\w:]*\Z")
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_OPERATORS = {"and", "or", "unless", "bool", "offset", "atan2"}
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def selectors(expression):
    """Every series selector of an expression."""
    tokens = _TOKEN.findall(expression)
    found, at = [], 0
    while at < len(tokens):
        token = tokens[at]
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        at += 1
        if token in _LISTS:
            if following == "(":
                at = tokens.index(")", at) + 1
        elif _NAME.match(token) and token not in _OPERATORS:
            if following == "(" or following in _LISTS:
                continue  # a function or an aggregation
            matchers = []
            if following == "{":
                end = tokens.index("}", at)
                inside = [word for word in tokens[at + 1:end] if word != ","]
                matchers = [Matcher(*inside[i:i + 2], inside[i + 2][1:-1])
                            for i in range(0, len(inside), 3)]
                at = end + 1
            found.append(Selector(token, matchers))
    return found


def alternatives(matcher):
    """The values that a matcher names, or None if it names none in particular."""
    if not matcher.operator.endswith("~"):
        return [matcher.value]
    values = matcher.value.split("|")
    return values if all(re.fullmatch(r"[\w-]+", value) for value in values) else None


def series(page):
    """What a metrics page shows."""
    found = []
    for line in page.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found.append(Series(name.split("{")[0], dict(_LABEL.findall(name)), float(value)))
    return found


def types(page):
    return dict(line.split()[2:4] for line in page.splitlines() if line.startswith("# TYPE"))
