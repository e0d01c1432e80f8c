"""Chromium for tests: there, or a skip that says what to do; and what no page of ours may do in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.engine import absent

__all__ = ["Watch", "axe_faults", "chromium", "chromium_path", "watched"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# As root, as in a container of CI, Chromium refuses to start with its own sandbox; /dev/shm is small there.
# No name but loopback's is ever looked up: a foreign request is seen, and reaches nobody.
NO_NAMES = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", NO_NAMES)
LOOPBACK = {"127.0.0.1", "localhost"}
SCHEMES = ("light", "dark")
GRAVE = {"serious", "critical"}


def chromium_path() -> str:
    """Return the path of the system's Chromium."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        absent("browser", f"none of {', '.join(NAMES)} on PATH; Debian has the package chromium")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; meanwhile this thread can run no event loop of its own."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """What a page did that it must not do: one line each."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on(
            "pageerror", lambda error: self.faults.append(f"page error: {error} ({self.page.url[-80:]})")
        )
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on(
            "dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        self.page.on("popup", lambda popup: self.faults.append(f"window: {popup.url}"))
        self.page.on("download", lambda download: self.faults.append(f"download: {download.url}"))
        # In the page as well: what a policy refuses need not appear in the console.
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) =>"
            " console.error('refused by policy: ' + event.violatedDirective + ' ' + event.blockedURI));"
        )

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.faults.append(f"console {kind}: {text} ({self.page.url[-80:]})")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        local = parts.scheme in {"file", "data", "blob", "about"} or parts.hostname in LOOPBACK
        if not local:
            self.faults.append(f"request to another host: {url}")


@contextmanager
def watched(browser: Browser, *, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """Open a page in a context of its own; at the end, whatever it did that it must not do fails the test."""
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = context.new_page()
    watch = Watch(page)
    try:
        yield page
        page.wait_for_timeout(20)  # what was asked for last is told by then
    finally:
        context.close()
    assert not watch.faults, "\n".join(watch.faults)


def axe_faults(page: Page, schemes: Sequence[str] = SCHEMES) -> list[str]:
    """Return axe's serious and critical findings on the page that is open, in light and in dark; a line each."""
    found = []
    for scheme in schemes:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in GRAVE:
                nodes = "; ".join(" ".join(map(str, node["target"])) for node in violation["nodes"][:5])
                found.append(
                    f"{scheme}: {violation['id']} ({violation['impact']}): {violation['help']}: {nodes}"
                )
    page.emulate_media(color_scheme=None)
    return found
