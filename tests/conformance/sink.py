"""What every Sink must do; an implementation subclasses this with one factory method."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchledger.schema.errors import BadInput, Conflict
from benchledger.schema.events import CellExited, CellFinished
from benchledger.schema.ports import Draft, Sink, blob_ref

STREAM = "cell/s/a/m/c/t#run1@1"


def finished(outcome: str = "finished", **fields: object) -> Draft:
    """Make a draft of cell.finished."""
    return Draft(STREAM, CellFinished(outcome=outcome), **fields)  # type: ignore[arg-type]


class SinkConformance:
    """The contract of `schema.ports.Sink`, line by line."""

    def make(self, folder: Path) -> Sink:
        """Return a fresh, empty sink."""
        raise NotImplementedError

    @pytest.fixture
    def sink(self, tmp_path: Path) -> Sink:
        """A fresh sink for each test."""
        return self.make(tmp_path)

    def test_it_is_a_sink(self, sink: Sink) -> None:
        assert isinstance(sink, Sink)

    def test_events_get_consecutive_places_and_versions(self, sink: Sink) -> None:
        first, second = sink.emit_all([finished(), finished()])
        assert (second.seq, second.version) == (first.seq + 1, first.version + 1)
        assert first.hash != second.hash or first.id != second.id

    def test_an_equal_event_under_the_same_id_gives_the_old_receipt(self, sink: Sink) -> None:
        draft = finished()
        first = sink.emit(draft)
        again = sink.emit(draft)
        assert (again.seq, again.hash, again.version) == (first.seq, first.hash, first.version)
        assert again.already
        assert not first.already
        assert sink.emit(finished()).seq == first.seq + 1

    def test_an_equal_event_twice_in_one_batch_is_written_once(self, sink: Sink) -> None:
        draft = finished()
        first, again = sink.emit_all([draft, draft])
        assert (again.seq, again.hash) == (first.seq, first.hash)

    def test_another_event_under_the_same_id_is_a_conflict(self, sink: Sink) -> None:
        draft = finished()
        sink.emit(draft)
        with pytest.raises(Conflict):
            sink.emit(finished("timeout", id=draft.id))
        with pytest.raises(Conflict):
            sink.emit(finished(id=draft.id, actor="somebody-else"))

    def test_another_event_under_the_same_id_in_one_batch_is_a_conflict(self, sink: Sink) -> None:
        draft = finished()
        with pytest.raises(Conflict):
            sink.emit_all([draft, finished("timeout", id=draft.id)])

    def test_an_expected_version_that_is_not_the_next_is_a_conflict(self, sink: Sink) -> None:
        sink.emit(finished(version=1))
        with pytest.raises(Conflict):
            sink.emit(finished(version=1))
        with pytest.raises(Conflict):
            sink.emit(finished(version=3))
        assert sink.emit(finished(version=2)).version == 2

    def test_a_batch_is_kept_whole_or_not_at_all(self, sink: Sink) -> None:
        start = sink.emit(finished()).seq
        good = finished()
        with pytest.raises(Conflict):
            sink.emit_all([good, finished(version=9)])
        receipt = sink.emit(good)
        assert receipt.seq == start + 1
        assert not receipt.already

    def test_a_blob_that_is_neither_given_nor_known_is_refused(self, sink: Sink) -> None:
        data = b"the output of a run"
        missing = Draft(STREAM, CellExited(stdout=blob_ref(data)))
        with pytest.raises(BadInput):
            sink.emit(missing)
        given = Draft(STREAM, CellExited(stdout=blob_ref(data)), blobs={blob_ref(data).blob: data})
        sink.emit(given)
        assert sink.emit(missing).seq > 0  # known by now

    def test_a_blob_that_is_not_what_its_reference_says_is_refused(self, sink: Sink) -> None:
        reference = blob_ref(b"one thing")
        with pytest.raises(BadInput):
            sink.emit(Draft(STREAM, CellExited(stdout=reference), blobs={reference.blob: b"another"}))
