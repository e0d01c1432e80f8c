"""Evidence in files of a site, under redaction, and where the ledger is damaged."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from blake3 import blake3

from benchledger.ledger.append import declare
from benchledger.ledger.merge import append_ledger
from benchledger.ledger.store import Ledger
from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.page import SECTIONS
from benchledger.ledger.web.paths import cell_path
from benchledger.ledger.web.render import environment
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import Settings, View
from benchledger.schema.events import AgentIdentity, CellSetup, ModelCalled
from benchledger.schema.history import PayloadRedacted
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import GATED_1
from tests.ledgers import checked
from tests.web.evidence_sample import HOSTILE, LONG, made_up, sample_ledger
from tests.web.serving import serving


@pytest.fixture(scope="module")
def ledger_file(tmp_path_factory):
    path, places = sample_ledger(tmp_path_factory.mktemp("evidence"))
    yield path, places
    checked(path)


def test_the_site_holds_what_its_pages_link_to_and_builds_it_once(ledger_file, tmp_path, page):
    path, places = ledger_file
    out = tmp_path / "site"
    write_site(out, path, Settings())
    with Ledger.open(path) as ledger:
        for (digest,) in ledger.connection.execute("SELECT lower(hex(digest)) FROM blobs").fetchall():
            assert (out / f"evidence/{digest}.txt").read_bytes() == ledger.blob(digest)
    assert (out / places["long"].replace(".html", "/attempt-1/calls-3.html")).is_file()
    for name in ("real", "hostile", "long", "wide"):
        page.goto((out / places[name]).as_uri())
        hrefs = page.locator("#patch a, #calls a, #grader a, #streams a").evaluate_all(
            "all => all.map(a => a.href)"
        )
        ours = [href for href in hrefs if any(it in href for it in ("/evidence/", "/calls-", "/patch.html"))]
        evidence = {href.removeprefix("file://").partition("#")[0] for href in ours}
        assert evidence
        assert [place for place in evidence if not Path(place).is_file()] == []
    page.goto((out / places["long"]).as_uri())
    page.locator("#streams a", has_text="last").first.click()
    assert "line 8999 of the output" in page.locator("pre.evidence").inner_text()
    again = write_site(out, path, Settings())
    assert (again.written, again.removed) == (0, 0)


def section(ledger: Ledger, cell: str, name: str):
    with View(ledger.path, Settings(live=True)) as view:
        attempt = Attempt(view, cell)
        build = next(each.build for each in SECTIONS if each.name == name)
        module, _, function = build.partition(":")
        values = getattr(import_module(f"benchledger.ledger.web.{module}"), function)(view, attempt)
        template = environment().from_string(
            '{% import "parts.html" as parts with context %}{% include "cell/" ~ name ~ ".html" %}'
        )
        scope = {
            "here": cell_path(cell),
            "ledger_name": "x.db",
            "live": True,
            "name": name,
            "section": values,
        }
        return values, template.render(scope)


@pytest.mark.parametrize("name", ["patch", "calls", "grader", "streams"])
def test_an_attempt_that_has_not_ended_says_so(ledger, name):
    cell = "s-20260131/tiny/test/model-1/polyglot/two-sum#run1"
    setup = CellSetup(cell_id=cell, agent=AgentIdentity(name="tiny"), model="test/model-1", mode="live")
    ledger.emit(Draft(f"cell/{cell}@1", setup))
    _, html = section(ledger, cell, name)
    assert "the attempt has not ended" in html or "No model call so far." in html


def test_what_was_redacted_is_not_shown_and_leaves_the_site(ledger, tmp_path):
    declare(ledger, GATED_1)
    cell = made_up(ledger, "gone", b"a secret line\n", b"secret patch\n")
    write_site(tmp_path / "site", ledger.path, Settings())
    digest = blake3(b"a secret line\n").hexdigest()
    written = tmp_path / f"site/evidence/{digest}.txt"
    assert written.is_file()
    ledger.emit(Draft("ledger", PayloadRedacted(blob=digest, reason="a secret")))
    with ledger.writing():
        ledger.connection.execute("DELETE FROM blobs WHERE digest = ?", (bytes.fromhex(digest),))
    values, html = section(ledger, cell, "streams")
    assert values["stdout"]["state"] == "removed"
    assert "Removed from this ledger" in html
    write_site(tmp_path / "site", ledger.path, Settings())
    assert not written.exists()
    assert "secret line" not in (tmp_path / "site" / cell_path(cell)).read_text()


def test_a_damaged_blob_is_named_and_shown_nowhere(tmp_path):
    path = tmp_path / "damaged.db"
    with Ledger.create(path) as ledger:
        cell = made_up(ledger, "hurt", b"all was well\n" * 50, b"no patch\n", 1)
        digest = blake3(b"all was well\n" * 50).digest()
        ledger.connection.execute("DROP TRIGGER blobs_update")
        ledger.connection.execute(
            "UPDATE blobs SET data = CAST(data || x'00' AS BLOB) WHERE digest = ?", (digest,)
        )
        values, html = section(ledger, cell, "streams")
    assert (values["stdout"]["state"], values["stdout"]["head"]) == ("damaged", "")
    assert "do not match stored_digest" in html
    assert "all was well" not in html
    with serving(path) as server:
        answer = server.get(f"evidence/{digest.hex()}.txt")
        assert (answer.status, b"all was well" in answer.body) == (500, False)
        assert server.get(f"evidence/{digest.hex()}/1.html").status == 500


def test_a_blob_as_it_is_comes_as_inert_text(ledger_file):
    path, _ = ledger_file
    digest = blake3(HOSTILE.encode()).hexdigest()
    with View(path, Settings()) as view:
        assert view.ledger.blob(digest) == HOSTILE.encode()
    with serving(path) as server:
        answer = server.get(f"evidence/{digest}.txt")
        assert answer.body == HOSTILE.encode()
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "Content-Disposition" not in answer.headers
        for path in (
            "0" * 64 + ".txt",
            "x.txt",
            digest.upper() + ".txt",
            f"{digest}/0.html",
            f"{digest}/99.html",
        ):
            assert server.get(f"evidence/{path}").status == 404


def test_calls_of_a_running_attempt_appear_while_the_page_is_open(ledger, page):
    cell = "s-20260131/tiny/test/model-1/polyglot/two-sum#run1"
    setup = CellSetup(cell_id=cell, agent=AgentIdentity(name="tiny"), model="test/model-1", mode="live")
    ledger.emit(Draft(f"cell/{cell}@1", setup))
    with serving(ledger.path) as server:
        page.goto(server.url + cell_path(cell))
        page.locator("#calls-body", has_text="No model call so far.").wait_for()
        page.locator("#live", has_text="up to date").wait_for()
        ledger.emit(Draft(f"cell/{cell}@1", ModelCalled(number=1, status=200)))
        page.locator("table.calls tbody tr", has_text="200").wait_for()
        page.get_by_role("button", name="Open all").click()
        assert page.locator("#call-1[open]").count() == 1
        page.goto("about:blank")


def test_cells_of_another_ledger_have_their_evidence_and_pages_of_calls(ledger, tmp_path):
    path = tmp_path / "other.db"
    with Ledger.create(path) as other:
        declare(other, GATED_1)
        made_up(other, "away", LONG, b"no patch\n", 60)
        origin = other.ledger_id
        append_ledger(ledger, other)
    checked(path)
    report = write_site(tmp_path / "site", ledger.path, Settings())
    folder = f"taken/{origin}/s-20260131/away/test/model-1/polyglot/two-sum/run1/attempt-1"
    assert f"{folder}/calls-2.html" in report.paths
    assert 'id="call-60"' in (tmp_path / f"site/{folder}/calls-2.html").read_text()
    assert f"evidence/{blake3(LONG).hexdigest()}.txt" in report.paths
