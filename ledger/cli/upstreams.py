"""Options that name a model endpoint, shared by the commands that talk to one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from benchledger.runners.proxy.config import Upstream

__all__ = ["ENDPOINT_OPTIONS", "endpoint_options", "sound_key", "upstream_of"]

F = TypeVar("F", bound=Callable[..., Any])
ENDPOINT_OPTIONS = ("endpoint", "key_env", "key_header", "header", "query", "path_version")


def endpoint_options(function: F) -> F:
    """Add the options of an endpoint; the command takes them by the names in ENDPOINT_OPTIONS."""
    for option in reversed(
        (
            click.option(
                "--endpoint", metavar="URL", help="A model endpoint: https://host or http://host:port."
            ),
            click.option("--key-env", metavar="NAME", help="The environment variable that holds its key."),
            click.option("--key-header", metavar="NAME", help="The header for the key, such as api-key."),
            click.option(
                "--header",
                multiple=True,
                metavar="NAME=VALUE",
                help="A header to add; NAME=env:VAR reads VAR.",
            ),
            click.option(
                "--query",
                multiple=True,
                metavar="NAME=VALUE",
                help="A parameter to add; NAME=env:VAR as well.",
            ),
            click.option(
                "--path-version",
                metavar="TEXT",
                help="What stands in the path between URL and call; '' for nothing.  [default: v1, Google v1beta]",
            ),
        )
    ):
        function = option(function)
    return function


def upstream_of(asked: dict[str, Any]) -> Upstream:
    """Return the endpoint that the options name; raises UsageError, or EnvironmentLacks for a key that is not set.

    `key`, where it is among what is asked, is the key itself.
    """
    from benchledger.runners.proxy.config import Upstream

    return Upstream(
        base_url=asked["endpoint"],
        key=sound_key(asked["key"]) if asked.get("key") is not None else _key(asked["key_env"]),
        key_header=asked["key_header"],
        version=asked["path_version"],
        headers=_pairs("--header", asked["header"]),
        query=_pairs("--query", asked["query"]),
    )


def _key(name: str | None) -> str:
    from benchledger.schema.errors import EnvironmentLacks

    if name is None:
        return ""
    key = os.environ.get(name, "").strip()
    if not key:
        # The name may be a key that was given by mistake, so it is not repeated.
        raise EnvironmentLacks(
            "the variable of --key-env is not set", "export it, and give its name, not the key itself"
        )
    return sound_key(key, "export it anew, on one line")


def sound_key(text: str, hint: str = "give it anew, on one line") -> str:
    """Return a key as a header can carry it; raises UsageError."""
    from benchledger.schema.errors import UsageError

    key = text.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError("the key is empty, or holds a character that no header can carry", hint)
    return key


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    from benchledger.schema.errors import UsageError

    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not text.isascii() or not text.isprintable():
            # What stands there may be a credential.
            raise UsageError(f"{option} takes NAME=VALUE, in plain ASCII", f"write {option} name=value")
        pairs[name.strip()] = _read(option, value.strip())
    return pairs


def _read(option: str, value: str) -> str:
    """Return a value, or that of the variable which it names: arguments are seen by every process."""
    from benchledger.schema.errors import EnvironmentLacks

    if not value.startswith("env:"):
        return value
    found = os.environ.get(value[4:], "").strip()
    if not found or not found.isascii() or not found.isprintable():
        raise EnvironmentLacks(f"a variable of {option} is not set, or is no plain ASCII", "export it first")
    return found
