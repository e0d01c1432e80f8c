"""The table of pages: which path is made by which function and template, and which places there are.

    path --match--> Page, arguments --build(view, arguments)--> context or Raw --template--> bytes
    view --places(view)--> Made(path, key) of every page of that kind, for the site

A page function returns its context as plain JSON values, which is also the page's JSON twin, or Raw
where the page is no HTML. It raises NotFound where nothing lies at the place. A key is a digest, or
any short text, of all that the page is made of: as long as it stays, the page need not be made anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from blake3 import blake3

from benchledger.ledger.web.view import View
from benchledger.schema.canonical import canonical_bytes

__all__ = [
    "PAGES",
    "Arguments",
    "Context",
    "Made",
    "Page",
    "Raw",
    "build",
    "function",
    "key_of",
    "match",
    "places",
]

Arguments = Mapping[str, str]
Context = dict[str, Any]


class Made(NamedTuple):
    """One page of a site: where it lies, and what it is made of in short."""

    path: str
    key: str


class Raw(NamedTuple):
    """A page that is no HTML: its media type and its bytes in pieces."""

    media: str
    pieces: Iterable[bytes]


class Page(NamedTuple):
    """One kind of page.

    `pattern`: `{name}` stands for one segment, `{name*}` for one or more. `build`, `places`:
    `module:function` in this package; `places` is empty for pages that only a server has.
    `template`: None where `build` returns Raw. `frame`: whether other sites may show it in a frame.
    """

    name: str
    pattern: str
    build: str
    template: str | None
    places: str = ""
    frame: bool = False


# name, pattern, build, template, places, and whether it may be framed; `-` stands for none, `_` in a name for a
# space. The first match wins. `@` is the place of a cell, and stands for two pages: of a cell of this ledger's
# own, and of one that was taken from another ledger.
_OWN, _TAKEN = "cells/{cell*}/run{run}", "taken/{origin}/{cell*}/run{run}"
_TABLE = """
leaderboard             index.html                              board.page:board_page            leaderboard.html   board.page:board_places
leaderboard_of_a_policy leaderboard/{policy}.html               board.page:board_page            leaderboard.html   -
cell                    @.html                                  cell.page:cell_page              cell.html          cell.keys:cell_places
attempt                 @/attempt-{attempt}.html                cell.page:cell_page              cell.html          cell.keys:attempt_places
agent                   agents/{name*}.html                     lists.arms:agent_page            arm.html           lists.arms:agent_places
model                   models/{name*}.html                     lists.arms:model_page            arm.html           lists.arms:model_places
task                    tasks/{category}/{task}.html            lists.task_page:task_page        task.html          lists.task_page:task_places
category                categories/{name}.html                  lists.task_page:category_page    category.html      lists.task_page:category_places
sweep                   sweeps/{name}.html                      lists.sweep_page:sweep_page      sweep.html         lists.sweep_page:sweep_places
sweeps                  sweeps.html                             lists.sweep_page:sweeps_page     sweeps.html        lists.sweep_page:sweeps_places
policy                  policies/{name}.html                    lists.policy_page:policy_page    policy.html        lists.policy_page:policy_places
compare                 compare/{pair}.html                     lists.compare_page:compare_page  compare.html       lists.compare_page:compare_places
pairs                   compare.html                            lists.compare_page:compare_index pairs.html         lists.compare_page:compare_index_places
ledger                  ledger.html                             lists.ledger_page:ledger_page    ledger.html        lists.ledger_page:ledger_places
events                  events/{number}.html                    lists.events_page:events_page    events.html        lists.events_page:events_places
search                  events.html                             lists.events_page:search_page    search.html        lists.events_page:search_places
adjudications           adjudications.html                      lists.rulings_page:rulings_page  adjudications.html lists.rulings_page:rulings_places
sources                 sources.html                            lists.sources_page:sources_page  sources.html       lists.sources_page:sources_places
cells                   cells.html                              lists.cells_page:cells_page      cells.html         lists.cells_page:cells_places
more_cells              cells-{number}.html                     lists.cells_page:cells_page      cells.html         -
calls                   @/attempt-{attempt}/calls-{number}.html cell.calls_page:calls_page       calls.html         cell.calls_page:calls_places
patch                   @/attempt-{attempt}/patch.html          cell.patch:patch_page            patch.html         cell.patch:patch_places
request                 evidence/{digest}/request.json          cell.evidence:request_page       -                  -
spans                   @/attempt-{attempt}/spans-{number}.html cell.spans_page:spans_page       spans.html         cell.spans_page:spans_places
recording               recordings/{digest}.js                  cell.terminal:recording_script   -                  cell.terminal:recording_places
evidence                evidence/{digest}.txt                   cell.evidence:raw_page           -                  cell.evidence:raw_places
evidence_text           evidence/{digest}/{number}.html         cell.evidence:text_page          evidence.html      cell.evidence:text_places
agent_badge             badges/agents/{agent}/{model*}.{ending} badge.pages:agent_page           -                  badge.pages:agent_places
sweep_badge             badges/sweeps/{sweep}.{ending}          badge.pages:sweep_page           -                  badge.pages:sweep_places
cell_badge              badges/@.{ending}                       badge.pages:cell_badge_page      -                  badge.pages:cell_badge_places
attempt_badge           badges/@/attempt-{attempt}.{ending}     badge.pages:cell_badge_page      -                  -
cell_frame              embed/@.html                            badge.pages:embed_page           embed.html         badge.pages:embed_places                framed
attempt_frame           embed/@/attempt-{attempt}.html          badge.pages:embed_page           embed.html         -                                       framed
"""  # noqa: E501 - a table is read by its columns


def _pages() -> Iterator[Page]:
    for line in _TABLE.strip().splitlines():
        name, pattern, build, template, places, *framed = line.split()
        name, frame = name.replace("_", " "), bool(framed)
        shown = None if template == "-" else template
        found = "" if places == "-" else places
        yield Page(name, pattern.replace("@", _OWN), build, shown, found, frame)
        if "@" in pattern:
            # Their places come with those of our own.
            yield Page(f"taken {name}", pattern.replace("@", _TAKEN), build, shown, "", frame)


PAGES: tuple[Page, ...] = tuple(_pages())


def match(path: str) -> tuple[Page, dict[str, str]] | None:
    """Return the page that a path names, with its arguments as they stand in the path; None for no page."""
    for page in PAGES:
        found = _pattern(page.pattern).fullmatch(path)
        if found is not None:
            return page, found.groupdict()
    return None


@lru_cache
def _pattern(pattern: str) -> re.Pattern[str]:
    coded = re.escape(pattern)
    coded = re.sub(r"\\{(\w+)\\\*\\}", r"(?P<\1>[^/]+(?:/[^/]+)*)", coded)
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", coded))


def build(page: Page, view: View, arguments: Arguments) -> Context | Raw:
    """Return what stands on a page; raises NotFound."""
    made: Context | Raw = function(page.build)(view, arguments)
    return made


def places(view: View) -> Iterator[Made]:
    """Yield every page of the site, kind by kind."""
    for page in PAGES:
        if page.places:
            yield from function(page.places)(view)


def function(name: str) -> Any:
    """Return the function of this package that `module:function` names; it is imported when it is first asked for."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(f"benchledger.ledger.web.{module}"), attribute)


def key_of(*parts: object) -> str:
    """Return a short digest of JSON values, as the key of a page."""
    return blake3(canonical_bytes(parts)).hexdigest(length=12)
