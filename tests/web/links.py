"""Every link and anchor of a written site, looked up in the folder as a browser would."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

__all__ = ["Elements", "elements", "link_faults"]

_LINKS = {
    "href",
    "src",
    "action",
    "formaction",
    "poster",
    "data",
    "xlink:href",
    "cite",
    "background",
    "manifest",
}


class Link(NamedTuple):
    """One attribute that leads somewhere."""

    tag: str
    attribute: str
    target: str


class Elements(HTMLParser):
    """What a page is made of: links, ids, tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        """Parse it."""
        super().__init__(convert_charrefs=True)
        self.links: list[Link] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        self.links += [Link(tag, name, given[name]) for name in given if name in _LINKS]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@cache
def _ids(path: Path) -> frozenset[str]:
    return frozenset(elements(path).ids)


def elements(path: Path) -> Elements:
    """Return what a written page is made of."""
    return Elements(path.read_text(encoding="utf-8"))


def link_faults(site: Path) -> list[str]:
    """Return one line for each link of any page that leads nowhere or out of the folder, and each doubled id."""
    found: dict[str, None] = {}
    for path in filter(Path.is_file, sorted(site.rglob("*.html"))):
        parsed, name = elements(path), path.relative_to(site).as_posix()
        seen: dict[str, int] = defaultdict(int)
        for each in parsed.ids:
            seen[each] += 1
        found |= {
            f"{name}: id {each} stands {count} times": None for each, count in seen.items() if count > 1
        }
        found |= {f"{name}: {said}": None for link in parsed.links if (said := _fault(site, name, link))}
    _ids.cache_clear()
    return list(found)


def _fault(site: Path, name: str, link: Link) -> str | None:
    parts = urlsplit(link.target)
    if parts.scheme == "data" and link.tag in {"img", "link"}:
        return None
    if parts.scheme or parts.netloc:
        return f"{link.tag} {link.attribute} leads out: {link.target[:200]}"
    if parts.path.startswith("/"):
        return f"{link.target} is bound to the root of a host"
    place = (
        posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
        if parts.path
        else name
    )
    if place.startswith("..") or not (site / place).is_file():
        return f"{link.target} leads to {place}, which is not there"
    if parts.fragment and place.endswith(".html") and unquote(parts.fragment) not in _ids(site / place):
        return f"{link.target} names no element of {place}"
    return None
