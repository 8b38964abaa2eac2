# SPDX-License-Identifier: Apache-2.0
"""What the public headers declare, and what a shared library shows."""
import re
import subprocess

# Which library implements which header. Those that are missing here declare nothing to link.
HEADERS = {
    "verify": ["status.h", "verify.h", "proof_document.h"],
    "store": ["store.h"],
    "client": ["client.h"],
}
NOTHING_TO_LINK = {"export.h", "types.h"}

_CLASS = re.compile(r"(?:class|struct)\s+(?:\[\[\w+\]\]\s+)?(IMMUDB_EXPORT\s+)?(\w+)\s*$")
_FUNCTION = re.compile(r"(operator\s*[^\s\w(]+|~?\w+)\s*\(")
_SYMBOL = re.compile(r"immudb::((?:\w+::)*(?:operator[^\s\w(]+|~?\w+))(?:\[abi:cxx11\])?\(")


def _statements(text):
    """(what stands before a body or the semicolon, the body or None) of each statement."""
    head, body, parentheses, braces = "", None, 0, 0
    for letter in text:
        if braces == 0 and letter in "()":
            parentheses += 1 if letter == "(" else -1
        if parentheses == 0 and letter in "{}":
            braces += 1 if letter == "{" else -1
            if letter == "{" and braces == 1:
                body = ""
                continue
            if letter == "}" and braces == 0:
                # A class or a value goes on to its semicolon.
                is_function = _FUNCTION.search(head) and "=" not in head.split("(")[0]
                if is_function or head.lstrip().startswith("namespace"):
                    yield head.strip(), body
                    head, body = "", None
                continue
        if braces:
            body += letter
        elif letter == ";":
            yield head.strip(), body
            head, body = "", None
        else:
            head += letter


def _needs_linking(head, body):
    return (body is None and _FUNCTION.search(head)
            and not re.match(r"(using|friend|template|typedef)\b", head)
            and not re.search(r"=\s*(default|delete|0)$", head)
            and "IMMUDB_LOCAL" not in head)


def declared(header):
    """(names that must be linked, those of them that are not marked as exported); a member is
    Class::name."""
    text = re.sub(r"//.*|^\s*#.*", "", header, flags=re.MULTILINE)
    names, unmarked = set(), set()
    namespaces = [body for head, body in _statements(text) if head == "namespace immudb"]
    for head, body in (pair for inside in namespaces for pair in _statements(inside)):
        if _needs_linking(head, body):
            name = _FUNCTION.search(head)[1]
            names.add(name)
            if not head.startswith("IMMUDB_EXPORT"):
                unmarked.add(name)
        elif body is not None and (found := _CLASS.match(head)):
            members = re.sub(r"\b(public|private|protected):", "", body)
            for member, inner in _statements(members):
                if _needs_linking(member, inner):
                    name = f"{found[2]}::{_FUNCTION.search(member)[1]}".replace(" ", "")
                    names.add(name)
                    if not found[1]:
                        unmarked.add(name)
    return names, unmarked


def exported(library, node):
    """(public names, everything else that the dynamic symbol table defines); `node` is the
    symbol version that all must have."""
    listing = subprocess.run(["nm", "-DC", "--defined-only", library], check=True,
                             capture_output=True, text=True).stdout
    names, others = set(), []
    for line in listing.splitlines():
        _, kind, symbol = line.split(" ", 2)
        found = _SYMBOL.match(symbol)
        if kind == "A" and symbol.split("@")[0] == node:
            continue  # the version itself
        if kind == "T" and found and symbol.endswith("@@" + node):
            names.add(found[1])
        else:
            others.append(line)
    return names, others


def dynamic(path, tag):
    """The values of an entry (NEEDED, SONAME, RUNPATH) of the dynamic section."""
    listing = subprocess.run(["readelf", "-d", path], check=True, capture_output=True,
                             text=True).stdout
    return re.findall(rf"\({tag}\).*\[(.*)\]", listing)
