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

__all__ = ["PAGES", "Arguments", "Context", "Made", "Page", "Raw", "build", "key_of", "match", "places"]

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
leaderboard             index.html                              board:board_page            leaderboard.html   board:board_places
leaderboard_of_a_policy leaderboard/{policy}.html               board:board_page            leaderboard.html   -
cell                    @.html                                  cell:cell_page              cell.html          cell_keys:cell_places
attempt                 @/attempt-{attempt}.html                cell:cell_page              cell.html          cell_keys:attempt_places
agent                   agents/{name*}.html                     arms:agent_page             arm.html           arms:agent_places
model                   models/{name*}.html                     arms:model_page             arm.html           arms:model_places
task                    tasks/{category}/{task}.html            task_page:task_page         task.html          task_page:task_places
category                categories/{name}.html                  task_page:category_page     category.html      task_page:category_places
sweep                   sweeps/{name}.html                      sweep_page:sweep_page       sweep.html         sweep_page:sweep_places
sweeps                  sweeps.html                             sweep_page:sweeps_page      sweeps.html        sweep_page:sweeps_places
policy                  policies/{name}.html                    policy_page:policy_page     policy.html        policy_page:policy_places
compare                 compare/{pair}.html                     compare_page:compare_page   compare.html       compare_page:compare_places
pairs                   compare.html                            compare_page:compare_index  pairs.html         compare_page:compare_index_places
ledger                  ledger.html                             ledger_page:ledger_page     ledger.html        ledger_page:ledger_places
events                  events/{number}.html                    events_page:events_page     events.html        events_page:events_places
search                  events.html                             events_page:search_page     search.html        events_page:search_places
adjudications           adjudications.html                      rulings_page:rulings_page   adjudications.html rulings_page:rulings_places
sources                 sources.html                            sources_page:sources_page   sources.html       sources_page:sources_places
cells                   cells.html                              cells_page:cells_page       cells.html         cells_page:cells_places
more_cells              cells-{number}.html                     cells_page:cells_page       cells.html         -
calls                   @/attempt-{attempt}/calls-{number}.html calls_page:calls_page       calls.html         calls_page:calls_places
patch                   @/attempt-{attempt}/patch.html          patch:patch_page            patch.html         patch:patch_places
request                 evidence/{digest}/request.json          evidence:request_page       -                  -
spans                   @/attempt-{attempt}/spans-{number}.html spans_page:spans_page       spans.html         spans_page:spans_places
recording               recordings/{digest}.js                  terminal:recording_script   -                  terminal:recording_places
evidence                evidence/{digest}.txt                   evidence:raw_page           -                  evidence:raw_places
evidence_text           evidence/{digest}/{number}.html         evidence:text_page          evidence.html      evidence:text_places
agent_badge             badges/agents/{agent}/{model*}.{ending} badge_pages:agent_page      -                  badge_pages:agent_places
sweep_badge             badges/sweeps/{sweep}.{ending}          badge_pages:sweep_page      -                  badge_pages:sweep_places
cell_badge              badges/@.{ending}                       badge_pages:cell_badge_page -                  badge_pages:cell_badge_places
attempt_badge           badges/@/attempt-{attempt}.{ending}     badge_pages:cell_badge_page -                  -
cell_frame              embed/@.html                            badge_pages:embed_page      embed.html         badge_pages:embed_places          framed
attempt_frame           embed/@/attempt-{attempt}.html          badge_pages:embed_page      embed.html         -                                 framed
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
    made: Context | Raw = _function(page.build)(view, arguments)
    return made


def places(view: View) -> Iterator[Made]:
    """Yield every page of the site, kind by kind."""
    for page in PAGES:
        if page.places:
            yield from _function(page.places)(view)


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(f"benchledger.ledger.web.{module}"), function)


def key_of(*parts: object) -> str:
    """Return a short digest of JSON values, as the key of a page."""
    return blake3(canonical_bytes(parts)).hexdigest(length=12)
