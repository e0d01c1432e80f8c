"""Run it yourself: what a reader can paste to check an attempt, run it again, or put a model of their own behind it.

    AttemptFacts, Shipped -> groups of commands, each with what it needs; or the reason why there is none

Only names of variables are printed, never values: a key stays in the reader's environment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchledger.ledger.web.cell.attempt_facts import AttemptFacts, Number
from benchledger.ledger.web.cell.docker_commands import BUNDLE, docker_group, image_commands, run_cell_reason
from benchledger.ledger.web.cell.words import Words
from benchledger.ledger.web.lists.groups import KEY, MODEL, PROTOCOLS, URL, Group, unable
from benchledger.ledger.web.shell import benchledger, option
from benchledger.ledger.web.shipped import Shipped

__all__ = ["VARIABLES", "run_it_yourself", "verify_command"]

VARIABLES = {
    URL: "the URL of a model endpoint, such as https://models.example.com/v1",
    MODEL: "the id of a model that it serves",
    KEY: "its key",
}


def run_it_yourself(facts: AttemptFacts, shipped: Shipped) -> dict[str, Any]:
    """Return {ledger, version, harness, variables: [{name, says}], groups, numbers} as JSON values.

    A group is {name, title, says, commands: [{says, command}], needs, missing}: `needs` are what must be
    there and is not in the ledger, `missing` is why there is no command, null where there are some. A
    number is {name, seq, hash, command}: its event, and the command that verifies it.
    """
    words = Words(facts, shipped)
    makers: tuple[Callable[[Words], Group], ...] = (
        _check, _again, docker_group, _endpoint, _try, _recheck, _append,
    )  # fmt: skip
    groups = [make(words).to_json() for make in makers]
    text = "\n".join(each["command"] for group in groups for each in group["commands"])
    return {
        "ledger": facts.ledger,
        "version": shipped.version or None,
        "harness": facts.setup.get("harness"),
        "variables": [{"name": name, "says": says} for name, says in VARIABLES.items() if name in text],
        "groups": groups,
        "numbers": [
            {
                "name": each.name,
                "seq": each.seq,
                "hash": each.hash,
                "command": verify_command(facts.ledger, each),
            }
            for each in facts.numbers
        ],
    }


def verify_command(ledger: str, number: Number) -> str:
    """Return the command that verifies a ledger, and that its chain holds the event of a number."""
    return benchledger(ledger, "verify", option("--head", f"{number.seq}:{number.hash}"))


def _check(words: Words) -> Group:
    facts, commands = words.facts, []
    said = "Computes every hash and derives every number anew; the chain must hold this attempt as it is here"
    commands.append((said, verify_command(facts.ledger, facts.last)))
    said = "Shows each number beside the event that it stands on, by seq and hash"
    commands.append((said, benchledger(facts.ledger, "show", place=(facts.ref,))))
    commands.append(
        ("The same whole, for programs", benchledger(facts.ledger, "show", "--json", place=(facts.ref,)))
    )
    says = f"Where the ledger file {facts.ledger} lies, which holds the evidence. Nothing is run again."
    return Group("check", "Check this result", says, commands)


def _again(words: Words) -> Group:
    title, facts = "Run it again", words.facts
    if words.foreign is not None:
        return unable("again", title, words.foreign)
    commands = image_commands(words) if words.sandbox == "docker" else []
    if words.installs and (words.sandbox == "local" or words.has_environment):
        install = benchledger(None, "agents", "install", *words.agent_files(), place=(facts.cell.agent,))
        commands.append((f"Installs {facts.cell.agent} {words.version}, where it is not", install))
    commands.append((_again_says(words), benchledger(facts.ledger, "run", *words.run(), *words.where())))
    if facts.calls and words.mode != "replay":
        said = (
            "Answers from the recorded calls: no endpoint and no key;"
            " leaves with 1 where the agent asks what was never asked"
        )
        replay = (option("--replay", facts.ref), *words.files(), *words.limits(money=False), *words.where())
        commands.append((said, benchledger(facts.ledger, "run", *replay)))
    says = "A new run is appended to your ledger file, beside this one; nothing in it is changed."
    return Group("again", title, says, commands, [*words.needs(), *words.unlike()])


def _again_says(words: Words) -> str:
    if not words.uses_model:
        return "The same agent on the same task; it asks no model"
    return {
        "scripted": "The same agent and script: no endpoint and no key",
        "replay": "The same replay: no endpoint and no key; leaves with 1 where the agent asks what was never asked",
    }.get(words.mode, "The same agent, model and task; the key comes from your environment")


def _endpoint(words: Words) -> Group:
    title, facts = "This agent with a model of your own", words.facts
    reason = words.foreign or (
        "" if words.uses_model else f"not applicable: {facts.cell.agent} asks no model"
    )
    if reason:
        return unable("endpoint", title, reason)
    doctor = benchledger(
        None, "doctor", *(each for each in words.own_model() if not each.startswith("--protocol"))
    )
    run = benchledger(
        facts.ledger,
        "run",
        *words.names(model=False),
        *words.own_model(),
        *words.limits(money=False),
        *words.where(),
    )
    commands = [
        ("Asks the endpoint which protocols it serves, and says which agents that allows", doctor),
        ("Runs this agent on this task with your model, and keeps every step", run),
    ]
    needs = [*words.needs(), "an endpoint without a key: leave out --key-env"]
    return Group("endpoint", title, _wiring(words), commands, needs)


def _wiring(words: Words) -> str:
    facts, name = words.facts, words.facts.cell.agent
    spoken = words.spoken
    others = [each for each in (words.known_agent.protocols if words.known_agent else ()) if each != spoken]
    said = [f"{name} spoke {PROTOCOLS[spoken]}: your endpoint must serve that."] if spoken else []
    if others:
        said.append(
            f"{name} can {'also ' if spoken else ''}speak {', '.join(others)}: give it by --protocol."
        )
    names = facts.launched.get("env_names")
    if names:
        said.append(
            f"It talks to a proxy that alone holds the key; the variables set for it were {', '.join(names)}."
        )
    return " ".join(said)


def _try(words: Words) -> Group:
    title = "A first number, with no ledger"
    if words.foreign is not None:
        return unable("try", title, words.foreign)
    asked = words.own_model() if words.uses_model else []
    command = benchledger(None, "check", *words.names(model=False), *asked, *words.limits(money=False))
    says = "Provisional: not for citation. Nothing of it is kept, so nobody can verify it."
    said = "One run of this agent on this task; provisional: not for citation"
    return Group("try", title, says, [(said, command)], words.needs())


def _recheck(words: Words) -> Group:
    title, facts = "Run the checks again", words.facts
    reason = words.foreign
    if reason is None and not facts.workdir.get("manifest"):
        reason = "the files that the agent left were not recorded, or were removed or withheld"
    if reason is None and not facts.setup["task"].get("digest"):
        reason = "the digest of its task was not recorded"
    if reason is not None:
        return unable("recheck", title, reason)
    said = "Grades the files that the agent left once more, and appends the verdict; leaves with 1 where it differs"
    command = benchledger(facts.ledger, "recheck", *words.tasks(), place=(facts.ref,))
    says = "The recorded patch on its task, and the task's checks: no agent and no model."
    return Group("recheck", title, says, [(said, command)], words.task_needs())


def _append(words: Words) -> Group:
    ledger, commands = words.facts.ledger, []
    if run_cell_reason(words) is None:
        commands.append(("Appends the cell that the container wrote", benchledger(ledger, "append", BUNDLE)))
    commands.append(("Checks the whole ledger, with all that was added", benchledger(ledger, "verify")))
    export = benchledger(ledger, "export", "handed-in.jsonl.gz")
    commands.append(
        ("Writes all of it to a file to hand in; whoever appends that file takes each event once", export)
    )
    says = "A run appends by itself. What is there already is not appended again."
    return Group("append", "Add the result, and hand it in", says, commands)
