"""The picture and the JSON of a badge: foreign text stays text, has room, and can be read."""

from xml.etree import ElementTree as ET

import pytest

from benchledger.ledger.web.badge.svg import Badge, shields, svg, text_width

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>\"'&]]>\x00\x1b[31m\u202e](x)`"
SHIELDS = {"schemaVersion", "label", "message", "color", "labelColor"}


def test_hostile_text_is_text_in_the_picture_and_in_the_json():
    badge = Badge(HOSTILE, HOSTILE * 20, "none", HOSTILE)
    data = svg(badge)
    root = ET.fromstring(data)
    assert {element.tag for element in root.iter()} == {
        f"{SVG}{name}" for name in ("svg", "title", "rect", "g", "text")
    }
    names = {name for element in root.iter() for name in element.attrib}
    assert not any(name.startswith("on") or name in {"href", "style"} for name in names)
    assert data.decode().rstrip("\n").isprintable()
    label, shown = (element.text for element in root.iter(f"{SVG}text"))
    assert label.startswith("<script>alert(1)</script>")
    assert "\u241b" in label
    assert len(shown) == 90
    assert root.find(f"{SVG}title").text == root.attrib["aria-label"]
    told = shields(badge)
    assert set(told) == SHIELDS
    assert told["schemaVersion"] == 1
    assert all(value.isprintable() for value in told.values() if isinstance(value, str))


def test_wide_text_has_room():
    assert text_width("") == 0
    assert text_width("WWW") > 2 * text_width("iii")
    assert text_width("漢字") == 22


@pytest.mark.parametrize("kind", ["pass", "fail", "part", "none", "score"])
def test_white_text_is_readable_on_every_ground(kind):
    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for name in ("color", "labelColor"):
        ground = shields(Badge("", "", kind, ""))[name]
        assert 1.05 / (luminance(ground) + 0.05) >= 4.5
