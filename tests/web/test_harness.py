"""The harness finds what it is there to find: a page that misbehaves fails its test."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.web.browser import axe_faults, watched

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
        (POLICY, '<p style="color: red">a</p>', "style-src-attr inline"),
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
