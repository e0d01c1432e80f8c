"""Style sheets and scripts: our own, and those that the build took from npm."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from benchledger.ledger.web import vendored

__all__ = ["asset", "assets"]

_MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
}
_STATIC = Path(__file__).parent / "static"


@lru_cache(maxsize=1)
def assets() -> dict[str, tuple[str, bytes]]:
    """Return (media type, bytes) of every asset by its path of the site."""
    ours = {f"static/{path.name}": path for path in _STATIC.iterdir()}
    # with their licences, which ask to be passed on
    theirs = {f"vendor/{name}": path for name, path in vendored.files().items()}
    return {
        name: (media, path.read_bytes())
        for name, path in (ours | theirs).items()
        if (media := _MEDIA.get(path.suffix.removeprefix(".")))
    }


def asset(path: str) -> tuple[str, bytes] | None:
    """Return (media type, bytes) of one asset, None where there is none of that path."""
    return assets().get(path)
