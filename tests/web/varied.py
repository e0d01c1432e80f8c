"""Ledgers in which everything happens that a leaderboard has to tell apart."""

from __future__ import annotations

from random import Random

from benchledger.ledger.adjudicate import Judgement, adjudicate
from benchledger.ledger.append import declare
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.schema.base import Payload
from benchledger.schema.events import (
    AgentIdentity,
    CellExited,
    CellSetup,
    GraderRan,
    ModelCalled,
    WorkdirCaptured,
)
from benchledger.schema.history import PriceDeclared, SweepPlanned
from benchledger.schema.policy import FORMULA_TERMS, Outcome, Policy
from benchledger.schema.ports import Draft
from benchledger.schema.task import Changes, Constraint, Expectations, TaskIdentity
from benchledger.scorers.composite import GATED_1
from benchledger.scorers.evidence import no_blob

__all__ = ["TASKS", "varied", "weightings"]

AGENTS = ("alpha", "beta", "gamma", "twin-1", "twin-2")
MODELS = ("lab/large", "lab/small")
LANGUAGES = ("python", "go", "rust")
TASKS = (
    *(f"polyglot/task-{number}" for number in range(5)),
    *("mutations/off-by-one", "mutations/swapped", "integrity/unsolvable"),
)


def varied(ledger: Ledger, seed: int = 1) -> None:
    """Fill a ledger: two sweeps, repeats, ties, lost and withdrawn attempts, axes that are not recorded.

    Five agents of which two do the same and leave nothing unrecorded, two models, eight tasks, up to
    four runs; an agent that was planned and never ran; prices for one model; scripted runs, which
    count only when asked for. The twins can be cited once the ledger is verified.
    """
    random = Random(seed)
    declare(ledger, GATED_1)
    for sweep, agents in (("first", (*AGENTS, "absent")), ("second", AGENTS[:2])):
        planned = SweepPlanned(
            sweep=sweep, agents=agents, models=MODELS, tasks=(*TASKS, "polyglot/never-ran")
        )
        ledger.emit(Draft(f"sweep/{sweep}", planned))
    ledger.emit(Draft("sweep/first", PriceDeclared(model=MODELS[0], prompt=2.0, completion=10.0, cached=0.5)))
    for model in MODELS:
        for task in TASKS:
            twins = random.getrandbits(32)
            for agent in AGENTS:
                own = Random(twins) if agent.startswith("twin") else random
                for run in range(1, 4 if agent.startswith("twin") else random.randint(2, 5)):
                    _cell(ledger, f"first/{agent}/{model}/{task}#run{run}", own)
            for agent in AGENTS[:2]:
                if random.random() < 0.6:
                    _cell(ledger, f"second/{agent}/{model}/{task}#run1", random, version="2")
    _attempt(ledger, f"first/alpha/{MODELS[0]}/{TASKS[0]}#run9", random, mode="scripted")
    for action in ("zero", "invalidate", "withdraw", "dispute", "withdraw", "zero"):
        cell = f"first/{random.choice(AGENTS[:3])}/{random.choice(MODELS)}/{random.choice(TASKS)}#run1"
        adjudicate(ledger, Judgement(action, "looked at by hand", "a judge", cell))  # type: ignore[arg-type]


def _cell(ledger: Ledger, cell: str, random: Random, version: str = "1") -> None:
    attempt = 1
    while random.random() < 0.08 and attempt < 3:
        _attempt(ledger, cell, random, attempt=attempt, version=version, lost=True)
        attempt += 1
    _attempt(ledger, cell, random, attempt=attempt, version=version)


def _attempt(ledger: Ledger, cell: str, random: Random, *, lost: bool = False, **setup: object) -> None:
    """Append one attempt; `setup`: attempt, version, mode."""
    parts = cell.split("/")
    number, version = setup.pop("attempt", 1), str(setup.pop("version", "1"))
    task = "/".join(parts[-2:]).split("#")[0]
    place, declining = TASKS.index(task), task.startswith("integrity/")
    expect = Expectations(
        expected=() if declining else ("src/**",),
        protected=("tests/**",),
        refusal_expected=declining,
        refusal_documents=("WHY.md",) if declining else (),
        constraints=(Constraint(kind="file-not-touched", pattern="docs/**"),) if place % 2 else (),
        partial_credit=place == 4,
    )
    twin = parts[1].startswith("twin")
    identity = TaskIdentity(
        digest=f"{place:x}" * 64 if random.random() < 0.95 else "f" * 64,
        language=LANGUAGES[place % 3],
        expectations=expect,
    )
    started = CellSetup(
        cell_id=cell,
        attempt=number,
        agent=AgentIdentity(name=parts[1], version=version, image_digest=f"sha256:{'ab' * 32}"),
        model="/".join(parts[2:-2]),
        task=identity,
        sandbox="docker" if twin else random.choice(("docker", "docker", "local")),
        **({"mode": "live"} | setup),
    )
    evidence: list[Payload] = [started, *_evidence(random, declining=declining, whole=twin)]
    stated: tuple[Outcome, str] | None = ("infra_error", "sandbox") if lost else None
    closing, _, _ = finish(evidence, no_blob, GATED_1, stated)
    ledger.emit_all([Draft(f"cell/{cell}@{number}", payload) for payload in (*evidence, *closing)])


def _evidence(random: Random, *, declining: bool, whole: bool) -> list[Payload]:
    found: list[Payload] = []
    if whole or random.random() < 0.8:
        tokens = {
            "prompt_tokens": random.randint(10, 90_000),
            "completion_tokens": random.randint(1, 9000),
            "cached_tokens": random.randint(0, 2000) if random.random() < 0.5 else None,
        }
        found.append(ModelCalled(number=1, protocol="openai-chat", status=200, **tokens))
    wall = round(random.lognormvariate(10.5, 0.9), 3) if whole or random.random() < 0.9 else None
    found.append(CellExited(exit_code=0, timed_out=random.random() < 0.05, wall_ms=wall))
    if random.random() < 0.85:
        found.append(_workdir(random, declining=declining))
    fixed = random.random() < 0.65
    checks = {"a": False, "b": False, "c": True}, {"a": True, "b": fixed, "c": True}
    if random.random() < 0.95:
        found.append(GraderRan(exit_code=0 if fixed else 1, checks_before=checks[0], checks_after=checks[1]))
    return found


def _workdir(random: Random, *, declining: bool) -> WorkdirCaptured:
    def some(paths: tuple[str, ...], chance: float) -> tuple[str, ...]:
        return tuple(path for path in paths if random.random() < chance)

    documents = ("WHY.md",) if declining and random.random() < 0.7 else ()
    changes = Changes(
        added=(*some(("notes.txt", "src/new.py"), 0.3), *documents),
        removed=some(("src/old.py", "keep.txt"), 0.06),
        modified=some(("docs/guide.md", "src/main.py", "tests/test_it.py"), 0.2),
    )
    return WorkdirCaptured(changes=changes, git_changes=False)


def weightings(policy: Policy, count: int, seed: int) -> list[list[str]]:
    """Return random values of -w: some axes, some left out, some 0, of all sizes."""
    random, found = Random(seed), []
    while len(found) < count:
        terms = random.sample(FORMULA_TERMS[policy.formula], random.randint(1, 5))
        pick = (
            random.random,
            lambda: random.randint(0, 20) / 20,
            lambda: 10 ** random.uniform(-6, 6),
        )
        given = [f"{term}={random.choice(pick)()!r}" for term in terms]
        if any(float(text.partition("=")[2]) for text in given):
            found.append(given)
    return found
