"""What may stand on a side of a comparison: every form, alone and joined, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchledger.ledger.sides import Side, later_sweep, side_of
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BadInput, UnknownName, UsageError
from benchledger.schema.history import SweepPlanned
from benchledger.schema.ports import Draft
from tests.ledger.made import ran
from tests.ledgers import checked

CELLS = (
    ("night-1/aider/openai/gpt-5/c/t#run1", "0.85"),
    ("night-1/aider/openai/gpt-5/c/u#run1", "0.86"),
    ("night-1/pi/m/c/t#run1", "1.2+b"),
    ("night-2/pi/a,b/c/t#run1", "1.2+b"),
    ("night-2/pi/v/m@2/c/t#run1", "1.2+b"),
    # names that mean two things
    ("aider/pi/m/c/t#run1", "1"),
    ("2026-11-01/x/aider/c/t#run1", "1"),
    ("night-2/x/y/c/t#run1", "1"),
    ("night-2/z/x/y/c/t#run1", "1"),
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    path = tmp_path_factory.mktemp("sides") / "a.db"
    with Ledger.create(path) as made:
        for cell, version in CELLS:
            ran(made, cell, version=version)
        yield made
    checked(path, use_last_seen=False)


def _day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("pi", {"agent": "pi"}),
        ("agent:aider", {"agent": "aider"}),
        ("aider@0.86", {"agent": "aider", "version": "0.86"}),
        ("pi@1.2+b", {"agent": "pi", "version": "1.2+b"}),
        ("version:aider@0.85", {"agent": "aider", "version": "0.85"}),
        ("version:0.85", {"version": "0.85"}),
        ("openai/gpt-5", {"model": "openai/gpt-5"}),
        ("model:aider", {"model": "aider"}),
        ("v/m@2", {"model": "v/m@2"}),
        ("a,b", {"model": "a,b"}),
        ("model:a,b", {"model": "a,b"}),
        ("pi/a,b", {"agent": "pi", "model": "a,b"}),
        ("aider/openai/gpt-5", {"agent": "aider", "model": "openai/gpt-5"}),
        ("aider@0.85/openai/gpt-5", {"agent": "aider", "version": "0.85", "model": "openai/gpt-5"}),
        ("night-1", {"sweeps": ("night-1",)}),
        ("sweep:aider", {"sweeps": ("aider",)}),
        ("night-2,night-1", {"sweeps": ("night-1", "night-2")}),
        ("2026-11-01..2026-11-15", {"since": _day("2026-11-01"), "until": _day("2026-11-16")}),
        ("2026-11-01..", {"since": _day("2026-11-01")}),
        ("..2026-02-28", {"until": _day("2026-03-01")}),
        ("2026-11-02", {"since": _day("2026-11-02"), "until": _day("2026-11-03")}),
        ("date:2026-11-01", {"since": _day("2026-11-01"), "until": _day("2026-11-02")}),
        ("@3", {"seq": 3}),
        ("head:3", {"seq": 3}),
        ("agent:aider, model:openai/gpt-5", {"agent": "aider", "model": "openai/gpt-5"}),
        (
            "aider@0.86,night-1,2026-11-01..,@9",
            {
                "agent": "aider",
                "version": "0.86",
                "sweeps": ("night-1",),
                "since": _day("2026-11-01"),
                "seq": 9,
            },
        ),
        ("aider/openai/gpt-5,agent:aider", {"agent": "aider", "model": "openai/gpt-5"}),
    ],
)
def test_every_form_of_a_side_fixes_what_it_says(ledger: Ledger, text: str, fixed: dict[str, object]) -> None:
    assert side_of(ledger.connection, text) == Side(text, **fixed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "aider",
            "'aider' is an agent and a model and a sweep; write agent:aider or model:aider or sweep:aider",
        ),
        ("2026-11-01", "a sweep and a range of days; write sweep:2026-11-01 or date:2026-11-01"),
        ("x/y", "a model and an agent with a model; write model:x/y or agent:x,model:y"),
        ("aidr", "did you mean 'aider'?"),
        ("agent:night-1", "unknown agent 'night-1'"),
        ("sweep:pi", "choices: 2026-11-01, aider, night-1, night-2"),
        ("version:9", "unknown version '9'"),
        ("model:openai/gpt-4", "did you mean 'openai/gpt-5'?"),
        ("pi,agent:aider", "names two of a kind, pi and aider"),
        ("2026-02-30..", "is no day"),
        ("2026-11-15..2026-11-01", "write the earlier day first"),
        ("date:..", "write FROM..TO"),
        ("date:yesterday", "write FROM..TO"),
        ("head:last", "write @SEQ or SEQ:HASH"),
        ("pi,", "unknown agent, agent/model"),
    ],
)
def test_what_is_unknown_or_ambiguous_is_refused_with_the_next_step(
    ledger: Ledger, text: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        side_of(ledger.connection, text)
    assert said in str(caught.value)
    assert isinstance(caught.value, UnknownName) == ("unknown" in str(caught.value))


def test_each_way_out_of_an_ambiguity_is_one(ledger: Ledger) -> None:
    for spelled in ("agent:aider", "model:aider", "sweep:aider", "model:x/y", "agent:x,model:y"):
        assert side_of(ledger.connection, spelled).name == spelled


def test_a_head_is_that_of_this_ledger(ledger: Ledger) -> None:
    row = ledger.connection.execute("SELECT hash FROM events WHERE seq = 7").fetchone()
    for text in (f"7:{row[0].hex()}", f"head:7:{row[0].hex()}", f"@7:{row[0].hex()[:12].upper()}"):
        assert side_of(ledger.connection, text).seq == 7
    with pytest.raises(BadInput, match="event 7 of this ledger is"):
        side_of(ledger.connection, f"7:{'0' * 64}")
    with pytest.raises(BadInput, match="there is no event 99999"):
        side_of(ledger.connection, "@99999")


def test_the_later_sweep_is_the_one_that_began_last(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "a.db") as ledger:
        plan = {"agents": ("a",), "models": ("m",), "tasks": ("c/t",)}
        ran(ledger, "first/a/m/c/t#run1")
        ledger.emit(Draft("sweep/third", SweepPlanned(sweep="third", **plan)))  # type: ignore[arg-type]
        ran(ledger, "second/a/m/c/t#run1")  # it began later than the plan of the third
        ran(ledger, "third/a/m/c/t#run1")
        ledger.emit(Draft("sweep/unrun", SweepPlanned(sweep="unrun", **plan)))  # type: ignore[arg-type]
        of = ledger.connection
        assert later_sweep(of, side_of(of, "first")) == "second"
        assert later_sweep(of, side_of(of, "third")) == "second"
        with pytest.raises(UsageError, match="no sweep with a cell began after second"):
            later_sweep(of, side_of(of, "second"))
        for text in ("agent:a", "first,third", "first,m"):
            with pytest.raises(UsageError, match="is not one sweep"):
                later_sweep(of, side_of(of, text))
    checked(tmp_path / "a.db", use_last_seen=False)
