"""show: one cell, every number beside the event that it stands on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import command, json_option, ledger_option, reading
from benchledger.ledger.cli.render import NONE, clean, count, echo_json, interval, money, number, table

if TYPE_CHECKING:
    from benchledger.ledger.store import Ledger

_SETUP = (
    *("mode", "harness", "protocol", "endpoint_origin", "sandbox", "behavior_mode", "plugin_stack", "limits"),
    "model_build_id",
)
_WIDE = 100


@command(
    "benchledger show SWEEP/AGENT/MODEL/CATEGORY/TASK#run1",
    "benchledger show SWEEP/AGENT/MODEL/CATEGORY/TASK --blobs",
    "benchledger show SWEEP/AGENT/MODEL/CATEGORY/TASK#run1@2 --json",
)
@click.argument("cell", metavar="CELL[@ATTEMPT]")
@click.option("--blobs", is_flag=True, help="Print the texts that the events refer to, too.")
@ledger_option
@json_option
def show(cell: str, *, blobs: bool, as_json: bool) -> None:
    """Show all that is known of one cell.

    Identity, outcome, axes with their payloads, composites under the policies that ship beside
    the published one, attempts, judgements, and the event behind each number. Without @ATTEMPT
    it is the attempt that counts; #run1 may be left out.
    """
    from benchledger.ledger.cell_view import cell_view

    with reading() as ledger:
        view = cell_view(ledger, cell)
        texts = _texts(ledger, view) if blobs else []
    if as_json:
        if blobs:
            view["texts"] = [{"name": name, "text": text} for name, text in texts]
        echo_json(view)
        return
    _identity(view)
    _axes(view)
    _composites(view)
    _history(view)
    _events(view)
    for name, text in texts:
        click.echo(f"\n--- {clean(name)}")
        click.echo("\n".join(map(clean, text.split("\n"))))


def _texts(ledger: Ledger, view: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for blob in view["blobs"]:
        data = ledger.blob(blob["blob"])
        text = "(removed)" if data is None else data.decode(errors="replace")
        found.append((f"{blob['type']} {blob['name']} (event {blob['seq']})", text))
    return found


def _identity(view: Mapping[str, Any]) -> None:
    setup = view["setup"] or {}
    agent, finished = setup.get("agent", {}), view["finished"] or {}
    kind = f" ({view['outcome_kind']})" if view["outcome_kind"] else ""
    lines = [
        ("cell", view["ref"]),
        ("agent", " ".join(filter(None, (view["agent"], view["version"])))),
        ("image", agent.get("image_digest") or agent.get("image_id") or agent.get("image")),
        ("model", view["model"]),
        ("task", view["task"]),
        *((name.replace("_", " "), setup.get(name)) for name in _SETUP),
        ("outcome", f"{view['outcome'] or 'unfinished'}{kind}"),
        ("notes", "; ".join(finished.get("notes", ()))),
        ("cost", None if view["cost"] is None else money(view["cost"], view["currency"])),
        ("standing", f"{view['standing']}: {'; '.join(view['standing_reasons'])}".removesuffix(": ")),
        ("source", view["source"]),
        ("banner", (view["record"] or {}).get("banner")),
    ]
    for name, value in lines:
        if value not in (None, "", [], {}):
            click.echo(f"{name:<16}{_text(value)}")


def _axes(view: Mapping[str, Any]) -> None:
    click.echo("\naxes")
    rows = [
        (
            axis,
            NONE if found["value"] is None else _text(found["value"]),
            found["state"],
            found["reason"] or NONE,
            found["scorer"],
            str(found["seq"]),
            found["hash"][:16],
        )
        for axis, found in view["axes"].items()
    ]
    table(("axis", ">value", "state", "reason", "scorer", ">event", "hash"), rows)
    for axis, found in view["axes"].items():
        for old in found["superseded"]:
            value = old["state"] if old["value"] is None else _text(old["value"])
            said = f"superseded: {axis} {value} by {old['scorer']}, event {old['seq']}"
            click.echo(f"  {clean(said)} {old['hash'][:16]}")
    for axis, found in view["axes"].items():
        for key, value in found["payload"].items():
            text = _text(value)
            click.echo(f"  {axis}.{clean(key)} = {text if len(text) <= _WIDE else text[:_WIDE] + '…'}")


def _text(value: object) -> str:
    """Return a value as it stands in its event; floats to the last digit."""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _composites(view: Mapping[str, Any]) -> None:
    click.echo("\ncomposite")
    rows = [
        (
            name,
            number(found["value"], 6),
            interval(found["floor"], found["ceiling"]),
            number(found["g"]),
            found["reason"] or NONE,
            " ".join(f"{term}={number(v)}" for term, v in found["components"].items()) or NONE,
        )
        for name, found in view["composites"].items()
    ]
    if view["published_composite"] is not None:
        rows.append(("published", number(view["published_composite"], 6), NONE, NONE, NONE, NONE))
    table(("policy", ">value", "floor..ceiling", ">g", "reason", "components"), rows)


def _history(view: Mapping[str, Any]) -> None:
    click.echo("\nattempts")
    rows = [
        (
            str(item["attempt"]),
            item["outcome"] or "unfinished",
            "counts" if item["counted"] else "withdrawn" if item["withdrawn"] else NONE,
        )
        for item in view["attempts"]
    ]
    table((">attempt", "outcome", "state"), rows)
    for item in view["rechecks"]:
        verdict = "agrees with" if item["agrees"] else "DISAGREES with"
        said = f"rechecked: {item['passed']} of {item['times']} passed, which {verdict} the recorded verdict"
        click.echo(f"{said}; event {item['seq']} {item['hash'][:16]}")
    for item in view["adjudications"]:
        by = " by a filter" if item["by_filter"] else ""
        link = f" ({item['link']})" if item["link"] else ""
        said = f"{item['action']}{by}: {item['reason']}, {item['author']}{link}; event {item['seq']}"
        click.echo(clean(f"judged {said} {item['hash'][:16]}"))


def _events(view: Mapping[str, Any]) -> None:
    click.echo("\nevents")
    table(
        (">seq", "type", "hash"), [(str(item["seq"]), item["type"], item["hash"]) for item in view["events"]]
    )
    if view["blobs"]:
        click.echo(f"{count(len(view['blobs']), 'text')} beside them; --blobs prints them")
