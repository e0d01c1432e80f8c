"""The parts of sandboxes that can be looked at alone."""

from __future__ import annotations

import io
import json
import os
import socket

import pytest

from benchledger.runners.images.layers import Parent, environment, write_archive, write_layer
from benchledger.runners.sandboxes.attach import Streams
from benchledger.runners.sandboxes.docker import Docker
from benchledger.runners.sandboxes.local import Local
from benchledger.runners.sandboxes.recording import Recording
from benchledger.runners.sandboxes.registry import sandbox_type
from benchledger.schema.errors import UnknownName, UsageError
from tests.sandboxes.parts import LIMITS, shell


def test_sandboxes_are_found_by_name_and_an_unknown_one_lists_the_choices():
    assert (sandbox_type("local"), sandbox_type("docker")) == (Local, Docker)
    with pytest.raises(UnknownName, match=r"'dokcer'.*did you mean 'docker'.*choices: docker, local"):
        sandbox_type("dokcer")


def test_a_sandbox_that_was_not_entered_says_so(tmp_path):
    for sandbox in (Local(), Docker("any")):
        with pytest.raises(UsageError, match="not entered"):
            sandbox.run(shell("true"), tmp_path, LIMITS, None)


def test_a_recording_joins_characters_that_arrive_in_halves_and_ends_at_its_cap():
    recording = Recording(80, 24, 5)
    for byte in "éxyzzz".encode():
        recording.add(bytes([byte]))
    _, *events = map(json.loads, recording.bytes().decode().splitlines())
    assert "".join(text for _, _, text in events) == "éxyz"


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
@pytest.mark.parametrize("framed", [True, False])
def test_the_trailer_is_cut_out_wherever_the_pieces_end(size, framed):
    ours, theirs = socket.socketpair()
    out, err = [], []
    streams = Streams(ours, framed=framed)
    streams.start(out.append, err.append)
    said = b"noise\x01out \x1e1 2\n\x1emar put\x1emark 2\nlate"
    streams.begin("mark", b"")
    for at in range(0, len(said), size):
        piece = said[at : at + size]
        theirs.sendall(bytes([1, 0, 0, 0]) + len(piece).to_bytes(4, "big") + piece if framed else piece)
    theirs.close()
    assert streams.ended.wait(5)
    streams.close()
    assert b"".join(out) == b"out \x1e1 2\n\x1emar putlate"
    assert streams.left == 2


def made(folder):
    data, file = io.BytesIO(), io.BytesIO()
    layer = write_layer({"/opt/tool": folder}, data)
    data.seek(0)
    return write_archive(layer, data, file, parent=Parent(), config={}, tag="t:1")


def test_the_same_files_make_the_same_image_whenever_they_were_written(tmp_path):
    (tmp_path / "b").write_text("b")
    (tmp_path / "a").symlink_to("b")
    first = made(tmp_path)
    os.utime(tmp_path / "b", (5, 5))
    assert made(tmp_path) == first
    (tmp_path / "b").write_text("c")
    assert made(tmp_path) != first


def test_a_variable_of_an_image_is_replaced_and_the_others_stay():
    assert environment(["A=1", "PATH=/bin", "B=2"], {"PATH": "/x"}) == ["A=1", "B=2", "PATH=/x"]
