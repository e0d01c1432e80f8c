"""Long texts are masked as short ones are, and in seconds."""

import base64
import gzip
import random
import time

import pytest

from benchledger.runners.secrets import mask
from tests.proxy.test_secrets import CANARY, KNOWN, every_escape


def noise(size, seed=7):
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("at", [0, 50_000, 99_000])
def test_one_escape_in_a_long_run_hides_no_secret_far_from_it(at):
    packed = base64.b64encode(gzip.compress(noise(75_000) + CANARY.encode() + noise(999)))
    data = b"plain words " * 500 + packed[:at] + packed[at:].replace(b"/", b"\\/", 1)
    masked = mask(data + b" and more words" * 500, KNOWN)
    assert packed[-2000:] not in masked
    assert masked.startswith(b"plain words " * 500)
    assert masked.endswith(b" and more words" * 500)


@pytest.mark.parametrize("gap", [0, 1, 255, 256, 257, 511, 512, 513, 5000])
@pytest.mark.parametrize("filler", [b"a b ", b"abcd"])
def test_escapes_far_apart_and_close_together_are_all_undone(gap, filler):
    between = (filler * gap)[:gap]
    data = between.join([b"x\\n", every_escape(CANARY), b"y\\/z", every_escape(CANARY), b""])
    masked = mask(data, KNOWN)
    assert masked == between.join(
        [b"x\\n", b"[masked:UPSTREAM_KEY]", b"y\\/z", b"[masked:UPSTREAM_KEY]", b""]
    )


def ordinary_output(size):
    """Return what tools print: paths, digests, JSON, percent signs."""
    rows = (
        f"2026-01-31 14:28:{number % 60:02d} GET /api/v1/items/{number}?q=a%20b 200 {noise(32, number).hex()}\n"
        f'{{"path": "src/lib/module_{number}.py", "text": "one\\nline & \\"two\\"", "n": {number}}}\n'
        for number in range(size // 210)
    )
    return "".join(rows).encode()


def test_four_mebibytes_of_ordinary_output_take_seconds_and_not_minutes():
    data = ordinary_output(4 << 20)
    began = time.process_time()
    assert mask(data, KNOWN) == data
    assert time.process_time() - began < 8  # measured: 1 to 3
