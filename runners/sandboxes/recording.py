"""Terminal recordings: asciicast v2, bounded in size."""

from __future__ import annotations

import codecs
import json
import time

__all__ = ["Recording"]


class Recording:
    """Timed output of one pseudo-terminal, as https://docs.asciinema.org/manual/asciicast/v2/ has it."""

    def __init__(self, columns: int, rows: int, cap: int) -> None:
        """Start the clock. `cap` bounds the bytes of output that are kept."""
        header = {"version": 2, "width": columns, "height": rows, "timestamp": int(time.time())}
        self._lines = [json.dumps(header)]
        # a chunk may end inside a character
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._started = time.monotonic()
        self._left = cap

    def restart(self) -> None:
        """Set the clock to zero: the program starts now."""
        self._started = time.monotonic()

    def add(self, data: bytes) -> None:
        """Add one chunk of output with the time of its arrival."""
        kept = data[: self._left]
        self._left -= len(kept)
        text = self._decoder.decode(kept)
        if text:
            self._lines.append(json.dumps([round(time.monotonic() - self._started, 6), "o", text]))

    def bytes(self) -> bytes:
        """Return the recording so far."""
        return "\n".join([*self._lines, ""]).encode()
