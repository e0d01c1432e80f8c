"""A group of commands: what is printed together, with what it needs; or the reason why there is nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["KEY", "MODEL", "PROTOCOLS", "URL", "Group", "unable"]

# Variables of the reader's: the endpoint, a model that it serves, and its key.
URL, MODEL, KEY = "MODEL_ENDPOINT", "MODEL_ID", "MODEL_KEY"

# What an agent may speak, and where an endpoint answers it.
PROTOCOLS = {
    "openai-chat": "OpenAI chat completions (POST …/v1/chat/completions)",
    "openai-responses": "OpenAI responses (POST …/v1/responses)",
    "anthropic": "Anthropic messages (POST …/v1/messages)",
    "google": "Google generateContent (POST …/v1beta/models/MODEL:generateContent)",
}


@dataclass(frozen=True, slots=True)
class Group:
    """`commands` are (what it does, the command); `needs` what has to be there and is in no ledger."""

    name: str
    title: str
    says: str
    commands: list[tuple[str, str]] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    missing: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return {name, title, says, commands: [{says, command}], needs, missing}."""
        return {
            "name": self.name,
            "title": self.title,
            "says": self.says,
            "commands": [{"says": says, "command": command} for says, command in self.commands],
            "needs": self.needs,
            "missing": self.missing,
        }


def unable(name: str, title: str, reason: str) -> Group:
    """Return a group without commands, and why."""
    return Group(name, title, "", missing=reason)
