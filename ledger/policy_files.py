"""Policies as people write them: TOML or JSON files, and weights named one by one."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchledger.ledger.database import translated
from benchledger.ledger.importers.fields import checked
from benchledger.schema.canonical import canonical_bytes, parse_json
from benchledger.schema.errors import BadInput, BenchledgerError, RecordErrors, UnknownName, UsageError
from benchledger.schema.policy import FORMULA_TERMS, Policy
from benchledger.scorers.composite import SHIPPED_POLICIES

__all__ = ["is_policy_file", "load_policy", "policy_toml", "renamed", "weighted"]

_MAX_BYTES = 2**20
_MAX_WEIGHT = 1e6
_START = "start from `benchledger policy show gated-1 > my.toml`"


def is_policy_file(name: str) -> bool:
    """Return whether `name` means a file rather than a policy that is known by that name."""
    return name.endswith((".toml", ".json")) or "/" in name


def load_policy(path: str) -> Policy:
    """Read a policy from a TOML or JSON file.

    Raises UsageError where there is no such file, BadInput where it holds no policy; the text
    names the field.
    """
    file = Path(path)
    if file.is_dir() or not file.exists():
        raise UsageError(f"there is no policy file {path}", _START)
    with translated(file), file.open("rb") as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise BadInput(f"{path} is larger than {_MAX_BYTES} bytes, which no policy is", _START)
    try:
        canonical = canonical_bytes(parse_json(data) if path.endswith(".json") else _toml(data))
        policy = checked(Policy, canonical)
    except RecordErrors as error:
        said = "; ".join(
            f"{item.field}: {item.reason}" if item.field else item.reason for item in error.errors
        )
        raise BadInput(f"{path}: {said}", _START) from error
    except BenchledgerError as error:
        raise BadInput(f"{path}: {error.message}", _START) from error
    shipped = SHIPPED_POLICIES.get(policy.name)
    if shipped is not None and shipped.policy_id != policy.policy_id:
        raise BadInput(
            f"{path}: name: {policy.name} is a policy that ships, with other numbers", "rename yours"
        )
    return policy


def _toml(data: bytes) -> Any:
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8: byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not TOML: {error}") from error


def policy_toml(policy: Policy) -> str:
    """Return a policy as TOML that `load_policy` reads as the same policy, to the bit."""
    # Names and outcomes hold nothing that JSON and TOML would write differently.
    lines = [f"name = {json.dumps(policy.name)}", f"formula = {json.dumps(policy.formula)}"]
    lines.append(f"exclude = {json.dumps(list(policy.exclude))}")
    for section, numbers in (("weights", policy.weights), ("parameters", policy.parameters)):
        lines += ["", f"[{section}]", *(f"{name} = {value!r}" for name, value in numbers.items())]
    return "\n".join(lines) + "\n"


def renamed(base: Policy, name: str) -> Policy:
    """Return `base` under another name; raises UsageError where that is no name, or one that ships."""
    if name in SHIPPED_POLICIES:
        raise UsageError(f"{name} is the name of a policy that ships", "give yours a name of its own")
    try:
        return checked(Policy, canonical_bytes(base.to_json() | {"name": name}))
    except BadInput as error:
        raise UsageError(
            f"{name!r} is no name for a policy", "use letters, digits and . _ + = , ~ -, at most 200"
        ) from error


def weighted(base: Policy, given: Sequence[str]) -> Policy:
    """Return `base` with only the weights that `axis=value` texts give; an axis not named weighs 0.

    Its name says what was changed: `gated-1+cost=0.5,pass_rate=0.5`. Raises UsageError or
    UnknownName that says which text is wrong and why.
    """
    weights: dict[str, float] = {}
    for text in given:
        axis, value = _weight(base, text)
        if axis in weights:
            raise UsageError(f"-w names {axis} twice", "give each axis once")
        weights[axis] = value
    if not any(weights.values()):
        raise UsageError("every weight is 0", "give at least one axis a weight above 0")
    said = ",".join(f"{axis}={weights[axis]:.12g}" for axis in sorted(weights))
    return Policy(
        name=f"{base.name}+{said}"[:200],
        formula=base.formula,
        weights=weights,
        parameters=base.parameters,
        exclude=base.exclude,
    )


def _weight(base: Policy, text: str) -> tuple[str, float]:
    axis, mark, number = (part.strip() for part in text.partition("="))
    if not mark:
        raise UsageError(f"-w {text!r} has no `=`", "write axis=value, as in -w cost=0.5")
    if axis not in FORMULA_TERMS[base.formula]:
        raise UnknownName(f"axis of formula {base.formula}", axis, FORMULA_TERMS[base.formula])
    if not number:
        raise UsageError(f"-w {text!r} has nothing after the sign", f"write a number, as in -w {axis}=0.5")
    try:
        value = float(number)
    except ValueError:
        raise UsageError(
            f"-w {text!r}: {number!r} is no number", f"write a number, as in -w {axis}=0.5"
        ) from None
    if not math.isfinite(value):
        raise UsageError(f"-w {text!r}: a weight is a finite number", f"write one, as in -w {axis}=0.5")
    if value < 0:
        raise UsageError(f"-w {text!r} is negative", "a weight is 0 or more; 0 leaves the axis out")
    if value > _MAX_WEIGHT:
        raise UsageError(
            f"-w {text!r} is above {_MAX_WEIGHT:,.0f}", "only the ratio of weights counts: use less"
        )
    return axis, value
