"""A commit's message as an instruction: what was wanted, without who, which ticket, and how it was done."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

__all__ = ["cleaned"]

_TRAILER = re.compile(
    r"^[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)+: .+|^(Closes|Fixes|Resolves|Refs?|See|PR|Bug|CC|Cc): .+"
)
_MACHINE = re.compile(
    r"^(\(cherry picked from commit .*|git-svn-id: .*|This reverts commit .*|\* .*<\S+@\S+>.*|-{5,})$"
)
_CREDIT = re.compile(
    r"^\W*((original )?(patch|fix|test|report|idea)(ed)? by|(reported|suggested|contributed|spotted|found) by"
    r"|thanks?( you)?,? (to|for)|props to|co-?authored).*$",
    re.IGNORECASE,
)
_DIFF = re.compile(r"^(diff --git |Index: \S+$|@@ -\d+(,\d+)? \+\d+(,\d+)? @@|(---|\+\+\+) [ab]/)")
_FENCED = re.compile(r"^```(diff|patch)\b.*?^```\s*$\n?", re.MULTILINE | re.DOTALL)
_LINK = r"https?://\S*/(issues?|pulls?|pull|merge_requests|bugs?|browse|ticket)/\S+|https?://\S*show_bug\S*"
_NUMBER = rf"(?:{_LINK}|(?:\b[\w.-]+/[\w.-]+|(?<!\w))#\d+\b|\bGH-\d+\b|\bbpo-\d+\b)"
_CLOSES = r"clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|address(?:e[sd])?"
_WORD = rf"(?:(?:{_CLOSES}|refs?|see|issue|bug|pr|pull request|ticket|re)\b[:\s]*)"
_TICKETS = re.compile(
    rf"[(\[]?\s*{_WORD}*{_NUMBER}(?:\s*(?:,|and|&)\s*{_WORD}*{_NUMBER})*\s*[)\]]?", re.IGNORECASE
)
_BRACKETED = re.compile(r"\[[A-Z][A-Z0-9]+-\d+\]:?\s*")
_MAIL = re.compile(r"<?[\w.+-]+@[\w-]+(\.[\w-]+)+>?")
_HANDLE = re.compile(r"(?<![\w`/@])@[A-Za-z0-9][A-Za-z0-9-]+\b(?!\()")
_KIND = re.compile(r"^(fix|bug|bugfix|hotfix|feat|chore|perf|refactor)(\([^)]*\))?!?:\s*", re.IGNORECASE)
_GIVEN_AWAY = 12  # characters of a line of code that is told by chance no more


def cleaned(message: str, people: Sequence[str] = (), added: Collection[str] = ()) -> tuple[str, str]:
    """Return (title, text) of a message; either may be empty.

    Left out are trailers, numbers of tickets, names and addresses (`people` among them), diffs, and lines
    that the fix added, which `added` holds without white space around them.
    """
    text = _FENCED.sub("", message.replace("\r\n", "\n"))
    names = [re.compile(rf"(?<!\w){re.escape(name)}(?!\w)") for name in people if len(name) > 2]
    raw = [line for line in _without_trailers(_before_diff(text)) if not _is_given_away(line, added)]
    lines = [told for line in raw if (told := _line(line, names)) is not None]
    subject, *rest = lines or [""]
    body = "\n".join(rest).strip("\n")
    return _KIND.sub("", subject).strip(), re.sub(r"\n{3,}", "\n\n", body)


def _before_diff(text: str) -> list[str]:
    lines = text.strip().split("\n")
    end = next((number for number, line in enumerate(lines) if _DIFF.match(line)), len(lines))
    return lines[:end]


def _is_given_away(line: str, added: Collection[str]) -> bool:
    bare = line.strip().strip("`")
    return len(bare) >= _GIVEN_AWAY and bare in added


def _line(line: str, names: Sequence[re.Pattern[str]]) -> str | None:
    """Return a line cleaned; None where nothing of it is left that was there."""
    if not line.strip():
        return ""
    if _MACHINE.match(line) or _CREDIT.match(line):
        return None
    kept = line
    for pattern in (_BRACKETED, _TICKETS, _MAIL, _HANDLE, *names):
        kept = pattern.sub("", kept)
    if kept == line:
        return line.rstrip()
    kept = re.sub(r"\s+([.,;:!?)])", r"\1", re.sub(r"(?<!\w)\(\s*\)", "", kept))
    kept = line[: len(line) - len(line.lstrip())] + re.sub(r"(?<=\S) {2,}", " ", kept.strip())
    return kept if re.search(r"\w", kept) else None


def _without_trailers(lines: list[str]) -> list[str]:
    """Drop paragraphs at the end that are trailers and nothing else; those anywhere that name a person."""
    lines = [line for line in lines if not re.match(r"^[A-Za-z-]+-by: ", line, re.IGNORECASE)]
    while len(lines) > 1 and (not lines[-1].strip() or _TRAILER.match(lines[-1])):
        lines.pop()
    return lines
