"""Policies: weights and parameters under a frozen formula, addressed by their content."""

from __future__ import annotations

from typing import Annotated, Literal

from blake3 import blake3
from pydantic import Field, ValidationInfo, field_validator, model_validator

from benchledger.schema.base import Record
from benchledger.schema.canonical import canonical_bytes

__all__ = ["FORMULA_PARAMETERS", "FORMULA_TERMS", "OUTCOMES", "TERMS", "Outcome", "Policy"]

Outcome = Literal["finished", "agent_error", "timeout", "budget", "infra_error", "aborted"]
OUTCOMES: tuple[Outcome, ...] = ("finished", "agent_error", "timeout", "budget", "infra_error", "aborted")

# Terms are added in this order, in code, whatever order a policy file has.
TERMS = ("pass_rate", "integrity", "cost", "latency", "blast_radius", "constraints")
FORMULA_TERMS: dict[str, tuple[str, ...]] = {"cab-0.1": TERMS[:5], "gated-1": TERMS}

# The parameters of a formula and what they are where a policy does not say; frozen with the formula.
FORMULA_PARAMETERS: dict[str, dict[str, float]] = {
    "cab-0.1": {"latency_scale_ms": 10000.0, "cost_scale_tokens": 10000.0, "refusal_factor": 0.5},
    "gated-1": {
        "latency_scale_ms": 10000.0,
        "cost_scale_tokens": 10000.0,
        "harm_factor": 0.5,
        # Kinds of token by their usual price beside a prompt token; no currency enters a score.
        "prompt_token_weight": 1.0,
        "cached_token_weight": 0.1,
        "completion_token_weight": 4.0,
    },
}

Weight = Annotated[float, Field(ge=0, le=1e6)]


class Policy(Record):
    """How axes become a composite. `formula` is a frozen name; the rest are its numbers.

    `weights` name terms of the formula; one that is not named weighs 0. `parameters` are the
    numbers of the curves, completed with those of FORMULA_PARAMETERS, so that a policy is
    always whole. `exclude` are the outcomes that get no composite.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+=,~-]{1,200}$")]
    formula: Literal["cab-0.1", "gated-1"]
    weights: dict[str, Weight]
    parameters: dict[str, Annotated[float, Field(ge=0, le=1e12)]] = Field(default={}, validate_default=True)
    exclude: tuple[Outcome, ...] = ()

    @field_validator("weights", "parameters", mode="after")
    @classmethod
    def _as_floats(cls, numbers: dict[str, float]) -> dict[str, float]:
        # 1 and 1.0 are the same policy, so they must have the same bytes; -0.0 is 0.0.
        return {name: float(value) + 0.0 for name, value in sorted(numbers.items())}

    @field_validator("parameters", mode="after")
    @classmethod
    def _whole(cls, numbers: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        formula = info.data.get("formula", "")
        known = FORMULA_PARAMETERS.get(formula, numbers)
        for name, value in numbers.items():
            if name not in known:
                raise ValueError(
                    f"formula {formula} has no parameter {name!r}; parameters: {', '.join(known)}"
                )
            if "_scale_" in name and value == 0:
                raise ValueError(f"{name} is the scale of a curve and must be positive")
            if name.endswith("_factor") and value > 1:
                raise ValueError(f"{name} takes from a score and is at most 1")
        return dict(sorted({**known, **numbers}.items()))

    @model_validator(mode="after")
    def _known_terms(self) -> Policy:
        terms = FORMULA_TERMS[self.formula]
        unknown = sorted(set(self.weights) - set(terms))
        if unknown:
            raise ValueError(f"formula {self.formula} has no term {unknown[0]!r}; terms: {', '.join(terms)}")
        if not any(self.weights.values()):
            raise ValueError("every weight is 0: at least one must be positive")
        return self

    @property
    def policy_id(self) -> str:
        """Return the content id: BLAKE3 of the canonical JSON, 64 hex digits."""
        return blake3(canonical_bytes(self.to_json())).hexdigest()

    def weight(self, term: str) -> float:
        """Return the weight of a term, 0.0 where it is not named."""
        return self.weights.get(term, 0.0)
