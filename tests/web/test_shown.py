"""Foreign text made visible, and sizes in words."""

from hypothesis import given
from hypothesis import strategies as st

from benchledger.ledger.web.shown import clean, clean_lines, ms, size


def test_what_would_turn_the_eye_is_a_symbol():
    assert clean("a\u202eb\u2066c\u200bd\ufeff") == "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200B⟩d⟨U+FEFF⟩"
    assert clean("\x00\x1b\x7f\x9b\n") == "␀␛␡⟨U+009B⟩␊"
    assert clean("\ud800\U000e0041\u2028\ue000") == "⟨U+D800⟩⟨U+E0041⟩⟨U+2028⟩⟨U+E000⟩"
    assert clean("é ü 日本 \u00a0 😀") == "é ü 日本 \u00a0 😀"
    assert clean(None) == "None"


@given(st.text())
def test_cleaned_text_stands_on_one_line_and_can_be_encoded(text):
    made = clean(text)
    assert made.isprintable() or all(char.isprintable() or char.isspace() for char in made)
    assert len(made.splitlines()) <= 1
    made.encode()
    assert clean_lines(text).count("\n") == text.count("\n")


def test_sizes_and_times_are_told_in_the_unit_that_they_fill():
    assert [size(count) for count in (None, 0, 1, 1023, 1024, 3 << 20)] == [
        *("of unknown size", "0 bytes", "1 byte", "1023 bytes", "1.0 KiB", "3.0 MiB")
    ]
    assert [ms(value) for value in (0.04, 3.25, 12.5, 999.0, 61_234.0)] == [
        *("0.0 ms", "3.2 ms", "12 ms", "999 ms", "61.23 s")
    ]
