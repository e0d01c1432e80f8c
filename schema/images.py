"""Names of container images: repository, digest, and what an agent's image is called where it is built."""

from __future__ import annotations

import re

__all__ = ["built_image", "digest_of", "repository_of", "tag_of"]

_DIGEST = re.compile(r"(?:.*@)?(?:sha256:)*([0-9a-f]{64})", re.DOTALL)


def repository_of(reference: str) -> str:
    """Return a reference without tag and digest: of `host:5000/a/b:tag@sha256:…` it is `host:5000/a/b`."""
    path, slash, last = reference.partition("@")[0].rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"


def tag_of(reference: str) -> str:
    """Return the tag of a reference, empty where it has none."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[2]


def digest_of(text: str | None) -> str | None:
    """Return `sha256:` and 64 hex digits once, however the prefix is doubled; None for what is no digest."""
    found = _DIGEST.fullmatch(text or "")
    return None if found is None else f"sha256:{found[1]}"


def built_image(agent: str, version: str) -> str:
    """Return the reference `benchledger-NAME:VERSION` under which an agent's image is built."""
    # a repository has no capital letters, a tag no + and no !
    name = re.sub(r"[._-]{2,}", "-", agent.lower().strip("._-"))
    return f"benchledger-{name}:{re.sub(r'[^A-Za-z0-9_.-]', '_', version)[:80]}"
