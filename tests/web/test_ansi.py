"""Terminal output as HTML: colours as classes, progress bars as they ended, hostile text inert and bounded."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.ledger.web.ansi import LINES, SPANS, WIDTH, nearest, shown
from benchledger.ledger.web.ansi_css import contrast, palette, readable, stylesheet

pieces = st.one_of(
    st.sampled_from(
        [
            *(
                "\x1b[31m",
                "\x1b[0m",
                "\x1b[38;2;1;2;3m",
                "\x1b[1;7;44m",
                "\x1b[2K",
                "\x1b[K",
                "\x1b[9C",
                "\x1b[3D",
            ),
            *(
                "\x1b]8;;javascript:alert(1)\x07",
                "\x1b]0;title\x1b\\",
                "\x1b[",
                "\x1b",
                "\x9b31m",
                "\r",
                "\n",
            ),
            *(
                "<script>alert(1)</script>",
                "&amp;",
                '"',
                "'",
                "\u202e",
                "\x00",
                "\x08",
                "\t",
                "\ud800",
                "</pre>",
            ),
        ]
    ),
    st.text(max_size=12),
)


class Read(HTMLParser):
    """The text of HTML, and every tag with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.text, self.tags, self.depth = "", [], 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.depth += 1

    def handle_endtag(self, tag):
        self.depth -= 1

    def handle_data(self, data):
        self.text += data


@settings(max_examples=300)
@given(st.lists(pieces, max_size=40).map("".join))
def test_whatever_comes_only_spans_with_our_classes_go(text):
    read = Read(str(shown(text).html))
    assert read.depth == 0
    for tag, attrs in read.tags:
        assert tag == "span"
        assert attrs.keys() == {"class"}
        assert all(name[0] in "afg" and name[1:].isalnum() for name in attrs["class"].split())
    assert not {"\x1b", "\x00", "\r", "\x9b", "\u202e", "\ud800"} & set(read.text)


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=200))
def test_plain_text_stays_what_it_is(text):
    made = shown(text)
    assert Read(str(made.html)).text == text
    assert made.notes == []


def html(text):
    return str(shown(text).html)


def test_colours_and_modes_become_classes_that_go_on_over_lines():
    assert html("\x1b[1;31mred\x1b[0m") == '<span class="ab f1">red</span>'
    assert html("\x1b[92mgreen\nstill\x1b[39m off") == (
        '<span class="f10">green</span>\n<span class="f10">still</span> off'
    )
    assert html("\x1b[38;5;208mx\x1b[48;2;255;0;0my") == (
        '<span class="f208">x</span><span class="f208 ag g196">y</span>'
    )
    assert html("\x1b[38:2:0:0:0mx") == '<span class="f16">x</span>'
    assert html("\x1b[3;4;9mx\x1b[23;24;29my") == '<span class="ai as au">x</span>y'


def test_no_colours_hide_a_text():
    assert Read(html("\x1b[8msecret\x1b[0m")).text == "secret"
    assert html("\x1b[30;40mx") == '<span class="f0 ag g0">x</span>'
    assert html("\x1b[7;31mx") == '<span class="ar ag g1">x</span>'


def test_a_progress_bar_is_shown_as_it_ended_and_says_so():
    made = shown("10%\r50%\r100%\nab\x08c\nlonger\rshort\x1b[K\ngone\x1b[2Kkept")
    assert Read(str(made.html)).text.split("\n") == [
        *("100% ␍ 2 earlier", "ac ␍ 1 earlier", "short ␍ 2 earlier", "kept ␍ 1 earlier")
    ]
    assert made.overwritten == 4
    assert made.notes == ["lines that were written over, shown as they ended: 4"]
    assert html("a\r\nb\r\n") == "a\nb\n"


def test_a_verdict_that_was_written_over_does_not_vanish_unsaid():
    assert "␍ 1 earlier" in html("FAILED\rpassed")


def test_other_escapes_are_left_out_and_counted():
    made = shown("\x1b[2J\x1b[10;10Hx\x1b]8;;http://e.vil\x07link\x1b]8;;\x07\x1b(B\x1b7")
    assert Read(str(made.html)).text == "xlink"
    assert made.escapes == 6
    assert html("\x1b") == "␛"
    assert html("\x9b31mx") == "⟨U+009B⟩31mx"


def test_a_line_is_cut_with_a_note():
    made = shown("x" * 100_000 + "\nnext")
    assert len(made.html) < WIDTH + 200
    assert Read(str(made.html)).text.endswith("… 98,000 more characters\nnext")
    assert made.notes == ["lines cut at 2,000 characters: 1"]
    assert shown("a\n" * (LINES + 5)).lines_left == 6


@pytest.mark.parametrize(
    "bomb",
    [
        "\x1b[31m\x1b[32m" * 400_000,
        "\x1b[31mx\x1b[32my" * 300_000,
        "\x1b]" * 2_000_000,
        "\x1b[" + "1;" * 2_000_000,
        "\x1b[999999999999999Cx\r" * 200_000,
        ("x" * 1999 + "\r\x1b[K") * 2_000,
        "x\x1b[1000D" * 400_000,
        "\r" * 4_000_000,
        "\n" * 4_000_000,
        "\x00" * 4_000_000,
        "\u202e" * 2_000_000,
        "\x1b]8;;" + "a" * 4_000_000,
        ("\x1b]8;;" + "a" * 100) * 40_000,
        "\x1b[1m<" * 600_000,
    ],
    ids=lambda bomb: ascii(bomb[:12]),
)
def test_bombs_take_little_time_and_little_room(bomb):
    began = time.process_time()
    made = shown(bomb)
    assert time.process_time() - began < 3
    assert len(made.html) < 4_000_000
    assert Read(str(made.html)).depth == 0


def test_changes_of_style_have_a_bound_and_the_text_stays():
    text = "\n".join("\x1b[31ma\x1b[32mb" for _ in range(SPANS))
    made = shown(text)
    assert str(made.html).count("<span") <= SPANS
    assert Read(str(made.html)).text == "\n".join(["ab"] * LINES)
    assert made.plain_from == SPANS // 2 + 1


def test_the_nearest_of_the_256_colours_is_found():
    colours = palette()
    assert len(colours) == 256
    for number in range(16, 256):
        assert colours[nearest(*colours[number])] == colours[number]
    assert nearest(254, 1, 1) == 196
    assert nearest(100, 100, 101) in (59, 241, 242)


def test_the_style_sheet_is_the_generated_one_and_every_colour_can_be_read():
    kept = files("benchledger.ledger.web").joinpath("static/ansi.css").read_text(encoding="utf-8")
    assert kept == stylesheet(), (
        "run `python -m benchledger.ledger.web.ansi_css > ledger/web/static/ansi.css`"
    )
    for background in ((255, 255, 255), (243, 244, 246), (29, 36, 45), (15, 19, 24)):
        for colour in palette():
            assert contrast(readable(colour, background), background) >= 4.5
