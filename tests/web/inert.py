"""What hostile text may not do to a page: become an element, an attribute, a link, a script, or turn a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from playwright.sync_api import Page

from tests.web.links import Elements

__all__ = ["active_parts", "badge_faults", "page_faults"]

# C0 but for tab and line ends, DEL, C1; embeddings, overrides, isolates and marks of direction; what has no width;
# line and paragraph separators; byte order mark
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_ELEMENTS = {"iframe", "object", "embed", "base", "applet", "frame", "portal"}
_SCRIPT = re.compile(r"(\.\./)*(static|vendor)/[a-z0-9.-]+\.js")
_LINK_WORDS = {"nofollow", "noreferrer", "noopener"}


def page_faults(html: str) -> list[str]:
    """Return a line for each thing in a page's HTML that hostile text must not bring about."""
    parsed = Elements(html)
    unseen = {f"U+{ord(char):04X} stands in it as it is" for char in _UNSEEN.findall(html)}
    texts = [*parsed.texts, *(value for _, given in parsed.tags for value in given.values())]
    unseen |= {
        f"U+{ord(char):04X} is written as a reference" for text in texts for char in _UNSEEN.findall(text)
    }
    return [*sorted(unseen), *(fault for tag, given in parsed.tags for fault in _tag_faults(tag, given))]


def _tag_faults(tag: str, given: dict[str, str]) -> Iterator[str]:
    if "data-pwned" in given:
        yield f"{tag} came out of text"
    if tag in _ELEMENTS:
        yield f"{tag} stands in the page"
    yield from (f"{tag} has {name}" for name in given if name.startswith("on") or name in {"style", "srcdoc"})
    if (
        tag == "script"
        and given.get("type") != "application/json"
        and not _SCRIPT.fullmatch(given.get("src", ""))
    ):
        yield f"a script that is none of ours: {given}"
    if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
        yield "the page sends its reader elsewhere"
    for name in ("href", "src", "action", "xlink:href", "data", "formaction"):
        parts = urlsplit(given.get(name, "").strip())
        plain = (
            tag == "a"
            and parts.scheme in {"http", "https"}
            and set(given.get("rel", "").split()) >= _LINK_WORDS
        )
        if parts.scheme not in {"", "data"} and not plain:
            yield f"{tag} leads out: {given[name][:100]}"
        if parts.netloc and not plain:
            yield f"{tag} leads to {parts.netloc[:100]}"


def badge_faults(svg: bytes) -> list[str]:
    """Return a line for each thing in an SVG that hostile text must not bring about; raises where it is no XML."""
    found = [f"U+{ord(char):04X} stands in it" for char in sorted(set(_UNSEEN.findall(svg.decode())))]
    for element in ET.fromstring(svg).iter():
        tag = element.tag.rpartition("}")[2]
        if tag in {"script", "foreignObject", "a", "image", "use", "style", "animate", "set"}:
            found.append(f"{tag} stands in it")
        found += [f"{tag} has {name}" for name in element.attrib if name.startswith("on") or "href" in name]
        found += [f"{tag} came out of text" for name in element.attrib if name == "data-pwned"]
    return found


def active_parts(page: Page) -> list[str]:
    """Open and press all that a page has to open and press; return what hostile text then had done."""
    page.evaluate(
        "() => { document.querySelectorAll('details').forEach((item) => { item.open = true; });"
        " [...document.querySelectorAll('button, [role=button], [role=tab], .ap-overlay-start')]"
        ".slice(0, 60).forEach((item) => { item.click(); }); }"
    )
    page.keyboard.press("Space")
    page.wait_for_timeout(100)
    ran = page.evaluate("() => window.pwned === undefined ? [] : ['a script of the text ran']")
    came = page.evaluate("() => [...document.querySelectorAll('[data-pwned]')].map((item) => item.outerHTML)")
    shown = set(_UNSEEN.findall(page.evaluate("() => document.documentElement.textContent")))
    return [*ran, *came, *(f"U+{ord(char):04X} is on the page" for char in sorted(shown))]
