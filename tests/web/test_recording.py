"""Terminal recordings of hostile programs: what the player gets is bounded in screen, size and work."""

import json
import time

import pytest

from benchledger.ledger.web.cell.recording import COLUMNS, ROWS, played
from tests.web.traced import cast

ESC = "\x1b"


def read(*events, header=None):
    data = cast(*events, header=header)
    return played(data, len(data))


def test_a_plain_recording_is_played_as_it_is():
    events = [[0.5, "o", "a\r\n"], [1.25, "o", f"{ESC}[31mred{ESC}[0m"], [2, "r", "100x30"]]
    found = read(*events, header={"version": 2, "width": 120, "height": 40, "timestamp": 1_700_000_000})
    assert (found.columns, found.rows, found.seconds) == (120, 40, 2.0)
    assert found.started_at == 1_700_000_000_000_000
    assert found.events == events
    assert found.cut == []


def test_lines_that_are_no_event_are_left_out_and_counted():
    wrong = (
        "not json",
        "[1",
        "[" * 100_000,
        '{"a": 1}',
        [1, "o"],
        [1, "o", 5],
        ["1", "o", "x"],
        [True, "o", "x"],
        '[1e999, "o", "x"]',
        '[NaN, "o", "x"]',
        [-1e12, "r", "wide"],
        [10**12, "o", "x"],
        "9" * 5000,
        [1, 7, "x"],
    )
    found = read([0, "o", "before"], *wrong, [3, "o", "after"])
    assert [event[2] for event in found.events] == ["before", "after"]
    assert found.cut == [f"{len(wrong)} malformed lines are left out"]


def test_time_never_goes_backwards():
    found = read([1, "o", "a"], [0.5, "o", "b"], [-7, "o", "c"], [2, "o", "d"])
    assert [event[0] for event in found.events] == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("width", "height", "drawn"),
    [
        (0, 0, (80, 24)),
        (-5, 10, (80, 10)),
        (10_000, 10_000, (COLUMNS, ROWS)),
        ("80", None, (80, 24)),
        (True, 1e9, (80, 24)),
        (10**400, 50, (COLUMNS, 50)),
    ],
)
def test_a_screen_that_none_has_is_drawn_in_another_size_and_it_is_said(width, height, drawn):
    header = json.dumps({"version": 2, "width": width, "height": height}, allow_nan=True)
    found = read([1, "o", "x"], [2, "r", "9999x9999"], [3, "r", "0x0"], header=header)
    assert (found.columns, found.rows) == drawn
    assert [event[2] for event in found.events] == ["x", f"{COLUMNS}x{ROWS}", "80x24"]
    assert found.cut


@pytest.mark.parametrize(
    "first", ["", "null", "[1, 2]", '{"version": 3}', '{"version": "2"}', "\x00", "[" * 9999]
)
def test_what_is_no_asciicast_of_version_2_is_none(first):
    assert read([1, "o", "x"], header=first) is None


@pytest.mark.parametrize(
    ("bomb", "kept"),
    [
        (f"{ESC}[999999999b", f"{ESC}[{COLUMNS}b"),
        (f"{ESC}[0065535b", f"{ESC}[{COLUMNS}b"),
        (f"{ESC}[65\x00535S", f"{ESC}[{ROWS}S"),
        ("\x9b65535T", f"{ESC}[{ROWS}T"),
        (f"{ESC}[5b", f"{ESC}[5b"),
        (f"{ESC}[b", f"{ESC}[1b"),
        (f"{ESC}[38;2;1;2;3m", f"{ESC}[38;2;1;2;3m"),
    ],
)
def test_numbers_of_control_sequences_are_those_of_a_screen(bomb, kept):
    assert read([1, "o", bomb]).events[0][2] == kept
    # cut anywhere, as the chunks of a terminal are
    for at in range(1, len(bomb)):
        found = read([1, "o", bomb[:at]], [2, "o", f"{bomb[at:]}."])
        assert "".join(event[2] for event in found.events) == f"{kept}."


def test_a_sequence_without_an_end_is_not_carried_on_for_ever():
    pieces = [[n, "o", ("" if n else f"{ESC}[") + "1" * 200] for n in range(50)]
    found = read(*pieces, [99, "o", "end"])
    assert found.events[-1][2] == "end"
    assert sum(len(event[2]) for event in found.events) < 50 * 200


@pytest.mark.parametrize(
    "bomb",
    [
        f"a{ESC}[999b" * 100_000,
        f"{ESC}[99S" * 100_000,
        "\n" * 2_000_000,
        f"{ESC}#8" * 100_000,
        f"{ESC}[2J" * 200_000,
    ],
)
def test_work_for_the_player_is_bounded_and_the_rest_left_out(bomb):
    pieces = [[at / 1e6, "o", bomb[at : at + 1000]] for at in range(0, len(bomb), 1000)]
    found = read(*pieces)
    assert "as much as a browser draws in a few seconds" in found.cut[0]
    assert 0 < len(found.events) < len(pieces)


def test_events_and_characters_are_bounded():
    assert len(read(*([n, "o", "x"] for n in range(30_000))).events) == 20_000
    many = read(*([n, "o", "x" * 100_000] for n in range(40)))
    assert sum(len(event[2]) for event in many.events) <= 2 << 20
    assert "characters" in many.cut[0]


def test_lone_surrogates_and_null_bytes_become_text_that_can_be_sent():
    found = read('[1, "o", "a\\ud800b\\u0000c"]')
    assert found.events[0][2] == "a\ufffdb\x00c"
    json.dumps(found.events, ensure_ascii=False).encode()


def test_a_recording_that_goes_on_beyond_what_was_read_is_said_to():
    data = cast([1, "o", "whole"], [2, "o", "cut off"])
    found = played(data[:-6], 5_000_000)
    assert [event[2] for event in found.events] == ["whole"]
    assert found.cut == [f"only the first {len(data) - 6} of 5,000,000 bytes are played"]


def test_any_four_megabytes_are_read_in_little_time():
    data = (cast() + b'[1, "o", "' + b"\\u001b[1;" * 400_000)[: 4 << 20]
    began = time.perf_counter()
    played(data, len(data))
    assert time.perf_counter() - began < 5
