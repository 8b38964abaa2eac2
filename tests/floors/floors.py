# SPDX-License-Identifier: Apache-2.0
"""The floors of docs/architecture.md, and what the targets of the build do to them.

A target may link targets of its own floor and of floors below it. A source may include the headers
of targets that its own target links: directly, or through what those offer to whoever links them.
"""
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

# Folders that have no business with each other, though the order of the floors would let them.
STRANGERS = [
    ("src/vlog", "src/index"),
    ("src/index", "src/vlog"),
    ("src/backup", "src/client"),
    ("src/client", "src/store"),
    ("src/cli", "src/store"),
]

# Who implements what outsiders include.
PUBLIC_HEADERS = {
    "export.h": "immudb_status",
    "status.h": "immudb_status",
    "types.h": "immudb_status",
    "verify.h": "immudb_verify",
    "proof_document.h": "immudb_proof_document",
    "store.h": "immudb_store",
    "client.h": "immudb_client",
}

_INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
_OBJECTS = re.compile(r"\$<TARGET_OBJECTS:([^>]+)>")
_CODE = re.compile(r"`([^`]+)`")


@dataclass
class Target:
    name: str
    folder: str  # relative to the repository
    links: list = field(default_factory=list)
    offers: list = field(default_factory=list)  # whoever links this target links these too
    sources: list = field(default_factory=list)


@dataclass
class Floor:
    name: str
    folders: list
    targets: list

    def holds(self, folder):
        return any(fnmatch(folder, pattern) or folder.startswith(pattern + "/")
                   for pattern in self.folders)


def read_graph(text, root):
    """The targets of src/, tools/ and proto/, by name; `text` is what immudb_write_link_graph
    writes."""
    targets, current = {}, None
    for line in text.splitlines():
        kind, _, value = line.partition(" ")
        if kind == "target":
            name, type_, folder = value.split(" ", 2)
            folder = str(Path(folder).relative_to(root))
            current = None
            if type_ != "UTILITY" and folder.split("/")[0] in ("src", "tools", "proto"):
                current = targets[name] = Target(name, folder)
        elif current is None:
            continue
        elif kind == "LINK_LIBRARIES":
            current.links.append(value)
        elif kind == "INTERFACE_LINK_LIBRARIES":
            current.offers.append(value)
        elif objects := _OBJECTS.fullmatch(value):
            current.links.append(objects[1])
        else:
            current.sources.append(value)
    for target in targets.values():
        target.links = [name for name in target.links if name in targets]
        target.offers = [name for name in target.offers if name in targets]
    return targets


def read_floors(page):
    """The rows of the table below "## Floors", the lowest first."""
    floors = []
    section = page.split("\n## Floors\n", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and (folders := _CODE.findall(cells[1])):
            floors.insert(0, Floor(cells[0], folders, _CODE.findall(cells[2])))
    return floors


def _rank(floors, folder):
    return next((rank for rank, floor in enumerate(floors) if floor.holds(folder)), None)


def _closure(names, step):
    seen, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += step(name)
    return seen


def table_errors(targets, floors):
    """Targets without a floor, and names of the table that are no target of that floor."""
    for target in targets.values():
        if _rank(floors, target.folder) is None:
            yield f"{target.folder}, with the target {target.name}, is in no floor of the table"
    for floor in floors:
        for name in floor.targets:
            if name not in targets:
                yield f"{floor.name}: there is no target {name}"
            elif not floor.holds(targets[name].folder):
                yield f"{floor.name}: {name} is in {targets[name].folder}"


def link_errors(targets, floors):
    """Links to a floor above, between strangers, and in a circle."""
    for target in targets.values():
        own = _rank(floors, target.folder)
        for name in target.links:
            other = targets[name]
            rank = _rank(floors, other.folder)
            if None not in (own, rank) and rank > own:
                yield (f"{target.name} ({floors[own].name}) links {name} ({floors[rank].name}), "
                       "which is above it")
        linked = _closure(target.links, lambda name: targets[name].links)
        if target.name in linked:
            yield f"{target.name} links itself through others"
        for name in sorted(linked):
            if (target.folder, targets[name].folder) in STRANGERS:
                yield f"{target.name} links {name}, directly or not: {target.folder} and " \
                      f"{targets[name].folder} must not know each other"


class Includes:
    """Which of the repository's headers a source reaches, and whose they are."""

    def __init__(self, targets, root):
        self.targets = targets
        self.root = Path(root)
        self._direct = {}
        self._by_source = {}
        for target in targets.values():
            for source in target.sources:
                path = self.path(target, source)
                self._by_source.setdefault(path.with_suffix(""), set()).add(target.name)

    def path(self, target, source):
        return self.root / target.folder / source  # an absolute source stays as it is

    def direct(self, path):
        """The headers of ours that a file includes. Generated ones are given as their .proto."""
        if path not in self._direct:
            found = [self._find(name, path) for name in _INCLUDE.findall(path.read_text())]
            self._direct[path] = [header for header in found if header]
        return self._direct[path]

    def _find(self, name, includer):
        if name.endswith(".pb.h"):
            proto = re.sub(r"(\.grpc)?\.pb\.h$", ".proto", name)
            places = [self.root / "proto", self.root / "src/server/protocols"]
            candidates = [place / proto for place in places]
        else:
            places = [self.root / place for place in ("include", "src", "tools")]
            candidates = [place / name for place in [*places, includer.parent]]
        return next((path for path in candidates if path.is_file()), None)

    def reached(self, source):
        """Each header that is reached, with the file that includes it."""
        seen, waiting = {}, [source]
        while waiting:
            path = waiting.pop()
            for header in self.direct(path):
                if header not in seen:
                    seen[header] = path
                    if header.suffix == ".h":
                        waiting.append(header)
        return seen

    def owners(self, header):
        """The targets that a header belongs to: one of them must be linked."""
        if header.parent == self.root / "include/immudb":
            return {PUBLIC_HEADERS[header.name]} if header.name in PUBLIC_HEADERS else set()
        if owners := self._by_source.get(header.with_suffix("")):
            return owners
        folder = str(header.parent.relative_to(self.root))
        while folder != ".":  # a header without a source belongs to its folder
            if owners := {t.name for t in self.targets.values() if t.folder == folder}:
                return owners
            folder = str(Path(folder).parent)
        return set()

    def errors(self):
        for target in self.targets.values():
            usable = {target.name} | _closure(target.links, lambda name: self.targets[name].offers)
            for source in target.sources:
                path = self.path(target, source)
                if path.suffix == ".cc" and path.is_file():
                    yield from self._source_errors(target, path, usable)

    def _source_errors(self, target, source, usable):
        for header, includer in sorted(self.reached(source).items()):
            owners = self.owners(header)
            if not owners & usable:
                names = [str(path.relative_to(self.root)) if path.is_relative_to(self.root)
                         else str(path) for path in (includer, header)]
                yield (f"{target.name}: {source.name} gets {names[1]} (included by {names[0]}), "
                       f"but does not link {' or '.join(sorted(owners)) or 'its target'}")
