"""Secrets are blanked before anything is stored: a leak into an immutable ledger is permanent.

`mask` finds known values (keys, environment variables) and the patterns of common providers, in
the clear and in the forms of `secret_forms`, and writes `[masked:<name>]` in their place. What it
cannot undo it cannot find: encryption, an agent that spells a key backwards, a value of fewer than
eight bytes (blanking that would blank ordinary text).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchledger.runners.secret_forms import LAYERS, joined_pieces
from benchledger.runners.secret_layers import Seen, Span
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import CanonicalError

MIN_SECRET = 8
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:API_?KEY|ACCESS_?KEY|SECRET_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH)"
    r"(?:$|_)",
    re.IGNORECASE,
)
# a path, a number or a plain word under such a name is no secret, and would blank ordinary text
_PLAIN_VALUE = re.compile(r"[./~][\w./~-]*|[0-9]{1,12}|[a-z]+|true|false", re.IGNORECASE)
MAX_NESTING = 4
# What stands in the clear goes first: most secrets do, and it is found at once. The later rounds are for a
# marker that spells another secret beside what is left.
_ROUNDS = (0, *[MAX_NESTING] * 4)
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
# Base62 keys of this length without one digit or capital are words: `sk-loading-indicator`.
# Bounded, for an agent may print megabytes of `sk-sk-sk-`.
_LIKELY = rb"(?=[a-z_-]{0,100}[A-Z0-9])"
_GITHUB = (b"o", b"p", b"s", b"u", b"r")
_JWT = rb"eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+"
_JWT_RUN = re.compile(rb"[A-Za-z0-9_-]+")

# (name, bytes that every match has, how far from its start, pattern). The bytes are looked for first: where
# a pattern begins with no letter of its own, it is tried at every place, a hundred times as slow.
# Group `secret` is blanked, else all.
PATTERNS: tuple[tuple[str, bytes, int, re.Pattern[bytes]], ...] = tuple(
    (name, must, before, re.compile(pattern))
    for name, must, before, pattern in (
        ("sk-key", b"sk-", 0, rb"(?<![A-Za-z0-9])sk-" + _LIKELY + rb"[A-Za-z0-9_-]{20,}"),
        ("stripe-key", b"k_live_", 1, rb"(?:sk|rk)_live_[A-Za-z0-9]{16,}"),
        ("google-key", b"AIza", 0, rb"AIza[A-Za-z0-9_-]{35}"),
        *(("github-token", b"gh" + kind + b"_", 0, rb"gh[opsur]_[A-Za-z0-9]{36,}") for kind in _GITHUB),
        ("github-token", b"github_pat_", 0, rb"github_pat_[A-Za-z0-9_]{22,}"),
        ("gitlab-token", b"glpat-", 0, rb"glpat-[A-Za-z0-9_-]{20,}"),
        ("slack-token", b"xox", 0, rb"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("aws-key", b"AKIA", 0, rb"(?<![A-Z0-9])AKIA[A-Z0-9]{16}(?![A-Z0-9])"),
        ("aws-key", b"ASIA", 0, rb"(?<![A-Z0-9])ASIA[A-Z0-9]{16}(?![A-Z0-9])"),
        ("huggingface-token", b"hf_", 0, rb"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,}"),
        ("npm-token", b"npm_", 0, rb"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}"),
        ("groq-key", b"gsk_", 0, rb"(?<![A-Za-z0-9])gsk_[A-Za-z0-9]{30,}"),
        ("xai-key", b"xai-", 0, rb"(?<![A-Za-z0-9])xai-[A-Za-z0-9]{30,}"),
        ("jwt", b"eyJ", 0, _JWT),
        (
            "bearer-token",
            b"earer",
            1,
            rb"[Bb]earer(?:\s+|%20|\+)(?P<secret>" + _LIKELY + rb"[A-Za-z0-9._~+/-]{16,}=*)",
        ),
        (
            "private-key",
            b"-----BEGIN ",
            0,
            rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?P<secret>[\s\S]+?)(?:-----END|\Z)",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Known secrets by name. Build it with `named`; `too_short` lists what cannot be masked."""

    values: tuple[tuple[str, bytes], ...] = ()
    too_short: tuple[str, ...] = ()

    @classmethod
    def named(cls, given: Mapping[str, str]) -> Secrets:
        """Take secrets by name; the name stands in the marker. Lines of a long value count singly, too."""
        values: dict[bytes, str] = {}
        for name, value in given.items():
            whole = value.strip()
            lines = [line.strip() for line in whole.splitlines()] if "\n" in whole else []
            spaced = [whole.replace(" ", "+")] if " " in whole else []
            long_lines = [line for line in lines if len(line) >= 2 * MIN_SECRET]
            for form in (whole, *spaced, *long_lines):
                data = form.encode("utf-8", "surrogateescape")
                if len(data) >= MIN_SECRET:
                    values.setdefault(data, _NAME.sub("_", name))
        # the longest first: of two that overlap the larger one names the place
        ordered = sorted(values.items(), key=lambda item: (-len(item[0]), item[0]))
        short = tuple(sorted(name for name, value in given.items() if _too_short(value)))
        return cls(tuple((name, data) for data, name in ordered), short)

    def __repr__(self) -> str:
        """Return the names; values never reach a log."""
        return f"Secrets({', '.join(sorted({name for name, _ in self.values}))})"

    def marker(self, name: str) -> bytes:
        """Return what stands in the place of a secret."""
        full = b"[masked:" + name.encode() + b"]"
        return full if not any(value in full for _, value in self.values) else b"[x]"


def environment_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables whose names say that they hold a secret: *_KEY, *_TOKEN, *PASSWORD* and the like."""
    return {
        name: value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= MIN_SECRET and not _PLAIN_VALUE.fullmatch(value)
    }


def _too_short(value: str) -> bool:
    return 0 < len(value.strip().encode("utf-8", "surrogateescape")) < MIN_SECRET


def mask(data: bytes, secrets: Secrets) -> bytes:
    """Return `data` with every secret that is found in it blanked; equal bytes where there is none."""
    for nesting in _ROUNDS:
        if not holds_secret(data, secrets):
            break
        spans = _merged(find(data, secrets, nesting))
        data = _blanked(data, spans, secrets)
    return data


def without_half(data: bytes, secrets: Secrets) -> bytes:
    """Return `data` without the beginning of a known secret at its end, where a cap cut it in two."""
    for name, value in secrets.values:
        for size in range(len(value) - 1, MIN_SECRET // 2 - 1, -1):
            if data.endswith(value[:size]):
                return data[: len(data) - size] + secrets.marker(name)
    return data


def holds_secret(data: bytes, secrets: Secrets) -> bool:
    """Return whether `mask` would change `data`; several times as fast as finding where."""
    return any(True for _ in find(data, secrets, seen=set()))


def mask_text(text: str, secrets: Secrets) -> str:
    """Return `text` with every secret blanked."""
    return mask(text.encode("utf-8", "surrogatepass"), secrets).decode("utf-8", "replace")


def mask_json(value: Any, secrets: Secrets) -> Any:
    """Return a decoded JSON value with every secret blanked, in keys and numbers as well.

    Texts are blanked one by one, so that what comes back is the same JSON with other texts; only
    a secret that runs over several of them blanks the whole value.
    """
    data = _spelled(value)
    if not holds_secret(data, secrets):
        return value
    cleaned = _each_text(value, partial(mask_text, secrets=secrets))
    data = _spelled(cleaned)
    masked = mask(data, secrets)
    if masked == data:
        return cleaned
    try:
        return json.loads(masked)
    except ValueError:
        return masked.decode("utf-8", "replace")


def _spelled(value: Any) -> bytes:
    try:
        return canonical_bytes(value)
    except CanonicalError:
        return json.dumps(value, ensure_ascii=True).encode()


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _each_text(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(item, change) for item in value]
    return value


def find(data: bytes, secrets: Secrets, nesting: int = MAX_NESTING, seen: Seen = None) -> Iterator[Span]:
    """Yield (start, end, name) of secrets in `data`, through up to `nesting` layers of encoding.

    With `seen`, an empty set, each encoded run is read once and places mean nothing.
    """
    yield from _in_the_clear(data, secrets)
    if nesting == 0 or len(data) < MIN_SECRET:
        return
    makers = (*LAYERS, joined_pieces) if nesting == MAX_NESTING else LAYERS
    for maker in makers:
        for layer in maker(data, seen):
            for span in find(layer.data, secrets, nesting - 1, seen):
                yield from layer.outside(span) if seen is None else (span,)


def _in_the_clear(data: bytes, secrets: Secrets) -> Iterator[Span]:
    for name, value in secrets.values:
        at = data.find(value)
        while at >= 0:
            yield at, at + len(value), name
            at = data.find(value, at + 1)
    for name, must, before, pattern in PATTERNS:
        at = data.find(must, before)
        while at >= 0:
            found = pattern.match(data, at - before)
            if found:
                start, end = found.span("secret") if "secret" in pattern.groupindex else found.span()
                yield start, end, name
            at = data.find(must, max(_searched(data, at, name) if found is None else found.end(), at + 1))


def _searched(data: bytes, at: int, name: str) -> int:
    """Return up to where a pattern that did not match at `at` need not be tried again."""
    # the first `eyJ` of a run speaks for all others in it: else `eyJeyJeyJ…` takes hours
    run = _JWT_RUN.match(data, at) if name == "jwt" else None
    return 0 if run is None else run.end()


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, name))
    return merged


def _blanked(data: bytes, spans: list[Span], secrets: Secrets) -> bytes:
    parts, at = [], 0
    for start, end, name in spans:
        first, last = _whole_escapes(data, start, end)
        if last > at:
            parts += [data[at : max(first, at)], secrets.marker(name)]
            at = last
    return b"".join((*parts, data[at:]))


def _whole_escapes(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Widen a range that cuts a backslash from what it escapes: JSON has to stay JSON."""
    before = start - len(data[max(start - 64, 0) : start].rstrip(b"\\"))
    before -= max(start - 64, 0)
    if before % 2:
        start -= 1
    inside = end - start - len(data[start:end].rstrip(b"\\"))
    return (start, end + 1) if inside % 2 and end < len(data) else (start, end)
