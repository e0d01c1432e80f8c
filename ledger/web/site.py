"""site: the pages of a ledger as files, for any web host, or for a folder.

    View -> places -> key changed? -> page -> file (written whole, then renamed) -> manifest

The manifest `site.json` in the folder remembers the key and the digest of every page. A page whose key
stayed is not made again; one whose bytes stayed is not written again; one that is no more is removed,
and nothing else in the folder is ever touched.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blake3 import blake3

from benchledger.ledger.web import pages, render
from benchledger.ledger.web.assets import assets
from benchledger.ledger.web.view import Settings, View, code_key
from benchledger.schema.errors import UsageError

__all__ = ["MANIFEST", "Report", "write_site"]

MANIFEST = "site.json"
_FORMAT = "benchledger-site-1"
# Web hosts that run folders through a generator leave them alone where this file lies.
_AS_IT_IS = ".nojekyll"


@dataclass(slots=True)
class Report:
    """What a build did: pages of the site, files written, left as they were, removed; bytes written."""

    pages: int = 0
    written: int = 0
    kept: int = 0
    removed: int = 0
    size: int = 0
    paths: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of `site --json`; `changed` lists at most 1,000 files that were written."""
        return {
            "pages": self.pages,
            "written": self.written,
            "kept": self.kept,
            "removed": self.removed,
            "bytes": self.size,
            "changed": self.paths[:1000],
        }


def write_site(
    out: Path, ledger: Path, settings: Settings, *, told: Callable[[int], None] | None = None
) -> Report:
    """Write the site of a ledger into the folder `out`; `told` hears how many pages are done.

    Raises UsageError where the folder holds anything else.
    """
    with View(ledger, settings) as view:
        writer = _Writer(out, view)
        for made in pages.places(view):
            writer.page(made)
            if told is not None:
                told(writer.report.pages)
        for path, (_, body) in assets().items():
            writer.file(path, [body], _digest([body]))
        return writer.finish()


class _Writer:
    """Writes what changed, and remembers what there is."""

    def __init__(self, out: Path, view: View) -> None:
        self.out, self.view, self.report = out, view, Report()
        self.before = _manifest(out)
        self.now: dict[str, list[str]] = {}
        self.salt = (
            f"{code_key()[:12]}-{view.settings.url or ''}-{view.settings.name}-{view.settings.shipped.key}"
        )
        out.mkdir(parents=True, exist_ok=True)
        # First of all, so that a build that is killed leaves a folder that the next one takes up.
        self._remember(self.before)
        self.put(_AS_IT_IS, [b""])

    def page(self, made: pages.Made) -> None:
        """Make one page and its JSON twin, unless nothing that they are made of has changed."""
        self.report.pages += 1
        matched = pages.match(made.path)
        if matched is None:
            raise AssertionError(f"no page has the path {made.path}")
        page, arguments = matched
        key = f"{self.salt}-{made.key}"
        twin = made.path.removesuffix(".html") + ".json" if page.template else None
        if self._same(made.path, key) and (twin is None or self._same(twin, key)):
            for path in filter(None, (made.path, twin)):
                self.now[path] = self.before[path]
                self.report.kept += 1
            return
        content = pages.build(page, self.view, arguments)
        if isinstance(content, pages.Raw):
            self.file(made.path, content.pieces, key)
            return
        assert page.template is not None  # noqa: S101 - a page without a template returns Raw
        self.file(made.path, [render.html(page.template, content, self.view, made.path)], key)
        if twin is not None:
            self.file(twin, [render.twin(content)], key)

    def _same(self, path: str, key: str) -> bool:
        known = self.before.get(path)
        return known is not None and known[0] == key and (self.out / path).is_file()

    def file(self, path: str, pieces: Iterable[bytes], key: str) -> None:
        """Write one file, unless its bytes are those that lie there; a stream is written without a look."""
        known = self.before.get(path)
        if isinstance(pieces, list) and known is not None and (self.out / path).is_file():
            digest = _digest(pieces)
            if known[1] == digest:
                self.now[path] = [key, digest]
                self.report.kept += 1
                return
        digest, size = self.put(path, pieces)
        self.now[path] = [key, digest]
        self.report.written += 1
        self.report.size += size
        self.report.paths.append(path)

    def put(self, path: str, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Write one file as a whole, so that a reader or a killed build never leaves half of one."""
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{os.getpid()}.part"[-255:])
        hasher, size = blake3(), 0
        with temporary.open("wb") as stream:
            for piece in pieces:
                hasher.update(piece)
                size += stream.write(piece)
        temporary.replace(target)
        return hasher.hexdigest(length=12), size

    def finish(self) -> Report:
        """Remove what was written once and is no more, then write the manifest."""
        for path in sorted(self.before.keys() - self.now.keys()):
            (self.out / path).unlink(missing_ok=True)
            self.report.removed += 1
        self._remember(self.now)
        return self.report

    def _remember(self, entries: dict[str, list[str]]) -> None:
        value = {"format": _FORMAT, "ledger_id": self.view.ledger.ledger_id, "files": entries}
        self.put(MANIFEST, [json.dumps(value, indent=0, sort_keys=True).encode()])


def _digest(pieces: list[bytes]) -> str:
    hasher = blake3()
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest(length=12)


def _manifest(out: Path) -> dict[str, list[str]]:
    """Return path -> [key, digest] of an earlier build; raises UsageError where the folder is not of a site."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return {}
    try:
        value = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        if value["format"] != _FORMAT:
            raise ValueError(value["format"])
        found = {str(path): [str(key), str(digest)] for path, (key, digest) in value["files"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{out} is not empty and holds no {MANIFEST} of a site", "name a new or an empty folder"
        ) from None
    return {path: entry for path, entry in found.items() if _inside(path)}


def _inside(path: str) -> bool:
    return not path.startswith("/") and ".." not in path.split("/")
