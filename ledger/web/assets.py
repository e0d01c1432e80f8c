"""Style sheets and scripts: our own, and those that the build took from npm."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

__all__ = ["asset", "assets"]

_MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
}
_FOLDERS = ("static", "vendor")


@lru_cache(maxsize=1)
def assets() -> dict[str, tuple[str, bytes]]:
    """Return (media type, bytes) of every asset by its path of the site."""
    found = {}
    for folder in _FOLDERS:
        place = files("benchledger.ledger.web").joinpath(folder)
        if place.is_dir():
            for item in place.iterdir():
                media = _MEDIA.get(item.name.rpartition(".")[2])
                if media is not None and item.is_file():
                    found[f"{folder}/{item.name}"] = media, item.read_bytes()
    return found


def asset(path: str) -> tuple[str, bytes] | None:
    """Return (media type, bytes) of one asset, None where there is none of that path."""
    return assets().get(path)
