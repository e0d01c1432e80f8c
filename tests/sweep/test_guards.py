"""When a sweep stops: times and sizes as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from benchledger.runners.sweep.guards import free_bytes, size_of, until_of
from benchledger.schema.errors import UsageError

NOW = datetime(2026, 1, 31, 22, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "size"),
    [("5GB", 5_000_000_000), ("500 MiB", 500 << 20), ("1000", 1000), ("0.5kb", 500), ("2T", 2 * 10**12)],
)
def test_sizes_are_read(text, size):
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "GB", "5 parsecs", "-5GB", "1e9", "nan"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="write it as 5GB"):
        size_of(text)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("06:00", "2026-02-01T06:00+01:00"),
        ("23:15", "2026-01-31T23:15+01:00"),
        ("22:30", "2026-02-01T22:30+01:00"),
        ("+8h", "2026-02-01T06:30+01:00"),
        ("+45m", "2026-01-31T23:15+01:00"),
        ("2026-02-03T04:05", "2026-02-03T04:05+01:00"),
        ("2026-02-03T04:05+00:00", "2026-02-03T04:05+00:00"),
    ],
)
def test_times_are_read(text, when):
    assert until_of(text, NOW) == datetime.fromisoformat(when)


@pytest.mark.parametrize("text", ["", "25:00", "6 am", "+8", "2020-01-01T00:00", "tomorrow"])
def test_what_is_no_time_to_come_is_refused(text):
    with pytest.raises(UsageError, match="06:00"):
        until_of(text, NOW.astimezone(UTC))


def test_the_fullest_place_counts(tmp_path):
    assert 0 < free_bytes([tmp_path]) <= free_bytes([tmp_path, tmp_path])
