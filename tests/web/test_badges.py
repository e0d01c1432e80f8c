"""Badges: what they say of every kind of result, how they hold foreign text, and where they lie."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from benchledger.ledger.append import declare
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.ledger.web import pages
from benchledger.ledger.web.badge.badges import agent_badge, cell_badge, sweep_badge
from benchledger.ledger.web.badge.pages import (
    agent_badge_path,
    agent_places,
    badge_path,
    embed_path,
    sweep_badge_path,
    sweep_places,
)
from benchledger.ledger.web.cell.run_section import snippets
from benchledger.ledger.web.paths import cell_path
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import NotFound, Settings, View
from benchledger.schema.events import AgentIdentity, CellExited, CellSetup, GraderRan
from benchledger.schema.history import CellAdjudicated, SweepPlanned
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.cells.parts import prepared, run_into, source_of
from tests.cli.calls import answer, call, refused
from tests.ledgers import attempt, checked, closed, published
from tests.web.serving import serving

SHIELDS = {"schemaVersion", "label", "message", "color", "labelColor"}


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create(tmp_path / "cells.db") as made:
        declare(made, GATED_1)
        yield made
    checked(tmp_path / "cells.db", use_last_seen=False)


def message(ledger, ref, policy=GATED_1):
    with View(ledger.path, Settings()) as view:
        return cell_badge(view, ref, policy).message


def one(ledger, cell="s/aider/m/c/t#run1", number=1, **ended):
    ledger.emit_all(attempt(cell, number, **ended))
    return f"{cell}@{number}"


def test_a_pass_names_its_score_and_its_policy(ledger, tmp_path):
    parts = prepared(tmp_path)
    ref = run_into(ledger, parts, source_of(parts)).ref
    assert re.fullmatch(r"pass · \.9\d gated-1 · scripted · not verified · provisional", message(ledger, ref))
    assert re.match(r"pass · \.9\d cab-0\.1 · ", message(ledger, ref, CAB_01))
    assert "%" not in message(ledger, ref)


def test_a_fail_is_no_number_under_a_policy_that_gates_and_one_under_the_published_one(ledger, tmp_path):
    parts = prepared(tmp_path)
    ref = run_into(ledger, parts, source_of(parts, "fail")).ref
    assert message(ledger, ref) == "fail · gated-1 · scripted · not verified · provisional"
    assert re.match(r"fail · \.\d\d cab-0\.1 · ", message(ledger, ref, CAB_01))


def test_what_has_no_score_says_why(ledger):
    assert message(ledger, one(ledger, outcome="infra_error")).startswith(
        "no score: infra_error (sandbox) · "
    )
    assert message(ledger, one(ledger, "s/aider/m/c/u#run1", outcome=None)).startswith(
        "no score: unfinished · "
    )


@pytest.mark.parametrize(
    ("action", "said"),
    [("zero", "zeroed · gated-1"), ("withdraw", "no score: withdrawn"), ("dispute", "pass · 1.00 gated-1 · disputed"),
     ("invalidate", "no score: declared invalid")],
)  # fmt: skip
def test_what_was_ruled_is_said(ledger, action, said):
    ref = one(ledger)
    cell = ref.rpartition("@")[0]
    ledger.emit(Draft("ledger", CellAdjudicated(action=action, cell=cell, reason="r", author="a")))
    shown = message(ledger, ref)
    assert all(part in shown for part in said.split(" · "))


def test_verified_is_said_once_a_full_verify_has_covered_it(ledger):
    ref = one(ledger)
    assert " · not verified · " in message(ledger, ref)
    call("--ledger", ledger.path, "verify")
    assert message(ledger, ref).endswith(" · verified · provisional")


def test_an_agent_with_a_model_is_a_row_of_the_leaderboard(tmp_path):
    with published(tmp_path / "published.db"):
        pass
    with View(tmp_path / "published.db", Settings()) as view:
        (agent, model) = view.connection.execute("SELECT agent, model FROM cells LIMIT 1").fetchone()
        badge = agent_badge(view, agent, model)
        with pytest.raises(NotFound):
            agent_badge(view, agent, "no-such-model")
    rows = answer("--ledger", tmp_path / "published.db", "leaderboard")
    (row,) = (row for row in rows if (row["agent"], row["model"]) == (agent, model))
    assert f"{row['passed']} of {row['cells']} passed" in badge.message
    assert badge.message.startswith(
        f"{row['composite']:.2f} gated-1 (at least {row['floor']:.2f})".replace("0.", ".")
    )
    assert " · published · not verified · provisional" in badge.message
    assert badge.label == f"{agent} {row['version']} · {model}"


def test_a_sweep_counts_what_was_planned(ledger):
    one(ledger, "plain/aider/m/c/t#run1")
    plan = SweepPlanned(
        sweep="s",
        agents=("aider",),
        models=("m",),
        tasks=("c/t", "c/u"),
        repeats=2,
        policy_id=GATED_1.policy_id,
    )
    ledger.emit(Draft("sweep/s", plan))
    one(ledger)
    with View(ledger.path, Settings()) as view:
        said = sweep_badge(view, "s").message
        plain = sweep_badge(view, "plain").message
        with pytest.raises(NotFound):
            sweep_badge(view, "other")
    assert said == "1 of 4 solved · 1 with a result · not verified · provisional · planned for gated-1"
    assert plain == "1 of 1 solved · 1 with a result · not verified · provisional · plan not recorded"


def test_snippets_hold_foreign_names_as_text():
    for base in (None, "https://bench.example.org/x/"):
        found = {
            each["title"]: each["text"] for each in snippets(base, "cells/a/run1.html", "<b>](x) `y` \"'")
        }
        assert "<b>" not in found["Markdown"].replace("\\<b\\>", "")
        assert "\\]\\(x\\)" in found["Markdown"]
        assert 'alt="benchledger: &lt;b&gt;](x) `y` &quot;&#x27;"' in found["HTML"]
        assert ("Markdown, drawn by shields.io" in found) == (base is not None)
        assert found["Link"] == f"{base or ''}cells/a/run1.html"


def test_a_site_has_the_badges_and_frames_that_its_snippets_name(ledger, tmp_path):
    hostile = "m/<i>x'\"&(](~%"
    cell = f"s/aider/{hostile}/c/t#run1"
    setup = CellSetup(cell_id=cell, agent=AgentIdentity(name="aider"), model=hostile, mode="live")
    payloads = closed(setup, CellExited(exit_code=0), GraderRan(exit_code=0))
    ledger.emit_all([Draft(f"cell/{cell}@1", payload) for payload in payloads])
    out, base = tmp_path / "site", "https://bench.example.org/x/"
    report = write_site(out, ledger.path, Settings(url=base))
    for number in (None, 1):
        page = cell_path(cell, number)
        for place in (page, badge_path(page), badge_path(page, "json"), embed_path(page)):
            assert (out / place).is_file()
            assert re.fullmatch(r"[A-Za-z0-9._~/-]+", place)
        html = (out / page).read_text()
        assert f"{base}{badge_path(cell_path(cell))}" in html
        assert f"{base}{embed_path(cell_path(cell, 1))}" in html
    for path in (agent_badge_path("aider", hostile), sweep_badge_path("s")):
        ET.parse(out / path)
        assert set(json.loads((out / path.replace(".svg", ".json")).read_text())) == SHIELDS
    again = write_site(out, ledger.path, Settings(url=base))
    assert (again.written, again.kept) == (0, report.written)


def test_a_server_has_badges_of_what_there_is_and_of_nothing_else(ledger):
    ref = one(ledger)
    page = cell_path(ref.rpartition("@")[0])
    with serving(ledger.path) as server:
        picture = server.get(badge_path(page))
        data = server.get(badge_path(page, "json"))
        frame = server.get(embed_path(page))
        framed = server.get(page)
        twin = server.get(embed_path(page).replace(".html", ".json"))
        missing = [
            server.get(path).status
            for path in (
                badge_path(page, "png"), badge_path("cells/s/no/m/c/t/run1.html"), agent_badge_path("aider", "other"),
                sweep_badge_path("other"), "badges/sweeps/~ff.svg",
            )
        ]  # fmt: skip
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert json.loads(data.body)["message"].startswith("pass · 1.00 gated-1")
    assert "frame-ancestors" not in frame.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in framed.headers["Content-Security-Policy"]
    assert json.loads(twin.body)["badge"]["kind"] == "pass"
    assert missing == [404] * 5


def test_the_command_writes_what_the_site_has(ledger, tmp_path):
    ref = one(ledger)
    named = ("--ledger", ledger.path, "badge")
    out = tmp_path / "badge.svg"
    said = call(*named, ref, "-o", out)
    write_site(tmp_path / "site", ledger.path, Settings())
    for words, place in (
        ((ref,), badge_path(cell_path(ref.rpartition("@")[0], 1))),
        ((ref.partition("#")[0],), badge_path(cell_path(ref.rpartition("@")[0]))),
        (("--agent", "aider", "--model", "m"), agent_badge_path("aider", "m")),
        (("--sweep", "s"), sweep_badge_path("s")),
    ):
        assert call(*named, *words).stdout_bytes == (tmp_path / "site" / place).read_bytes()
        told = answer(*named, *words)
        assert told == json.loads((tmp_path / "site" / place.replace(".svg", ".json")).read_text())
    assert out.read_bytes() == call(*named, ref).stdout_bytes
    assert "pass · 1.00 gated-1" in said.stderr
    assert "cab-0.1" in answer(*named, ref, "--policy", "cab-0.1")["message"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "one badge is of one thing"),
        (("s/aider/m/c/t", "--sweep", "s"), 2, "one badge is of one thing"),
        (("--agent", "aider"), 2, "go together"),
        (("--agent", "aider", "--model", "other"), 1, "no cell of aider with other"),
        (("--sweep", "other"), 1, "no sweep other"),
        (("s/aider/m/c/other",), 1, "there is no cell"),
        (("s/aider/m/c/t@7",), 1, "no attempt 7"),
    ],
)
def test_a_badge_of_nothing_is_refused_with_the_next_step(ledger, words, code, said):
    one(ledger)
    assert said in refused("--ledger", ledger.path, "badge", *words, code=code)


def test_every_badge_page_is_in_the_table_and_verify_leaves_it_alone(ledger):
    one(ledger)
    with View(ledger.path, Settings()) as view:
        badges = [made.path for made in pages.places(view) if made.path.startswith("badges/")]
    assert len(badges) == 8
    assert all(pages.match(path) is not None for path in badges)
    assert verify(ledger.path, VerifyOptions(use_last_seen=False)).ok


def test_the_badges_of_all_agents_and_sweeps_read_the_ledger_once(tmp_path):
    with published(tmp_path / "published.db"):
        pass
    with View(tmp_path / "published.db", Settings()) as view:
        asked = []
        view.connection.set_trace_callback(asked.append)
        made = [*agent_places(view), *sweep_places(view)]
        view.connection.set_trace_callback(None)
    assert len(made) >= 20
    # what grows with the number of cells is asked once, not once for each badge
    for part in (
        "max(a.first_seq)",
        "GROUP BY c.agent, c.model",
        "s.pass_rate, s.outcome, s.adjudicated FROM cells",
    ):
        assert sum(part in statement for statement in asked) == 1, part
