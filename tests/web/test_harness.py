"""The harness finds what it is there to find: a page that misbehaves fails its test."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.web.browser import axe_faults, watched
from tests.web.hostile import POKE
from tests.web.inert import active_parts, badge_faults, page_faults
from tests.web.links import link_faults

POLICY = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src *">'
HEAD = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'


def written(folder: Path, head: str, body: str) -> str:
    path = folder / "page.html"
    path.write_text(
        f"{HEAD}{head}</head><body><main><h1>A page</h1>{body}</main></body></html>", encoding="utf-8"
    )
    return path.as_uri()


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        ("", "<script>console.error('lost')</script>", "console error: lost"),
        ("", "<script>console.warn('soon gone')</script>", "console warning: soon gone"),
        ("", "<script>undefined.x</script>", "page error: "),
        ("", "<script>alert(1)</script>", "dialog: 1"),
        ("", "<script>open('about:blank')</script>", "window: about:blank"),
        ("", '<img alt="" src="http://example.invalid/a.png">', "request to another host: http://example.invalid"),
        ("", '<img alt="" src="missing.png">', "ERR_FILE_NOT_FOUND"),
        (POLICY, "<script>1</script>", "script-src-elem inline"),
        (POLICY, '<p style="color: red">a</p>', "Applying inline style violates"),
        (POLICY, '<p onclick="1">a</p>', "script-src-attr inline"),
    ],
)  # fmt: skip
def test_a_page_that_does_what_it_must_not_is_found(
    browser: Browser, tmp_path: Path, head: str, body: str, expected: str
) -> None:
    with pytest.raises(AssertionError, match=expected), watched(browser) as page:
        page.goto(written(tmp_path, head, body))


def test_a_page_that_behaves_passes_under_a_policy_that_forbids_scripts(
    browser: Browser, tmp_path: Path
) -> None:
    with watched(browser) as page:
        page.goto(written(tmp_path, POLICY, "<p>Quiet.</p>"))
        assert axe_faults(page) == []


def test_faults_for_a_screen_reader_and_a_weak_eye_are_found(browser: Browser, tmp_path: Path) -> None:
    style = "<style>@media (prefers-color-scheme: dark) {p {color: #777; background: #555}}</style>"
    with watched(browser) as page:
        page.goto(written(tmp_path, style, '<img src="data:,"><p>Grey on grey, and only in the dark.</p>'))
        found = [line.split(" (")[0] for line in axe_faults(page)]
    assert found == ["light: image-alt", "dark: color-contrast", "dark: image-alt"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (POKE, "script came out of text"),
        ("<p onclick='1'>", "p has onclick"),
        ("<p style='color: red'>", "p has style"),
        ("<a href='javascript:1'>", "a leads out: javascript:1"),
        ("<a href='//example.invalid/'>", "a leads to example.invalid"),
        ("<a href='https://example.invalid/'>", "a leads out: https://example.invalid/"),
        ("<iframe></iframe>", "iframe stands in the page"),
        ("<script src='https://example.invalid/a.js'></script>", "a script that is none of ours"),
        ("<p title='&#x202e;'>", "U+202E is written as a reference"),
        ("\x1b", "U+001B stands in it as it is"),
    ],
)
def test_text_that_came_alive_in_a_page_is_found(body: str, expected: str) -> None:
    assert [fault for fault in page_faults(f"{HEAD}</head><body>{body}") if fault.startswith(expected)]


def test_a_page_with_an_outward_link_that_tells_nobody_who_followed_it_passes() -> None:
    link = (
        '<a href="https://example.invalid/" rel="nofollow noreferrer noopener">https://example.invalid/</a>'
    )
    script = '<script src="../static/base.js"></script><script type="application/json">"a"</script>'
    assert page_faults(f"{HEAD}</head><body>{link}{script}") == []


@pytest.mark.parametrize("inner", ["<script/>", "<a href='#'/>", "<text onload='1'/>", "<text>\u202e</text>"])
def test_text_that_came_alive_in_a_badge_is_found(inner: str) -> None:
    badge = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
    assert badge_faults(badge.format("<text>pass</text>").encode()) == []
    assert len(badge_faults(badge.format(inner).encode())) >= 1


def test_text_that_comes_alive_when_a_button_is_pressed_is_found(browser: Browser, tmp_path: Path) -> None:
    script = "document.querySelector('button').onclick = () => { window.pwned = 1; };"
    body = f"<button>Go</button><script>{script}</script>"
    with watched(browser) as page:
        page.goto(written(tmp_path, "", body))
        assert active_parts(page) == ["a script of the text ran"]


def test_links_that_lead_nowhere_and_doubled_ids_are_found(tmp_path: Path) -> None:
    links = "".join(
        f"<a href='{link}'>a</a>" for link in ("other.html", "page.html#b", "/page.html", "//x/", "../x")
    )
    written(
        tmp_path, "", f"<p id='a'></p><p id='a'></p><a href='#a'>a</a><a href='page.html?q#a'>a</a>{links}"
    )
    assert [line.partition(": ")[2] for line in link_faults(tmp_path)] == [
        "id a stands 2 times",
        "other.html leads to other.html, which is not there",
        "page.html#b names no element of page.html",
        "/page.html is bound to the root of a host",
        "a href leads out: //x/",
        "../x leads to ../x, which is not there",
    ]
