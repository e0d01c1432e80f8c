"""Whether a sandbox has the tools of a task is asked of the sandbox itself, and once where it has them all."""

from functools import partial

import pytest

from benchledger.runners import grading
from benchledger.runners.grading import lacking_tools
from benchledger.runners.sandboxes.local import Local


class Counting(Local):
    """A local sandbox that counts its programs; the image is a name, as that of a container."""

    ran: list[str] = []

    def __init__(self, image):
        super().__init__()
        self.image = image

    def run(self, *args, **more):
        self.ran.append(self.image)
        return super().run(*args, **more)


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch):
    grading._complete.cache_clear()
    monkeypatch.setattr(Counting, "ran", [])


def test_what_lacks_nothing_is_asked_once():
    for _ in range(3):
        assert lacking_tools(partial(Counting, "one"), ("sh", "cat")) == []
    assert Counting.ran == ["one"]


def test_another_image_and_another_toolchain_are_asked_by_themselves():
    for image, tools in (("one", ("sh",)), ("two", ("sh",)), ("one", ("cat",))):
        assert lacking_tools(partial(Counting, image), tools) == []
    assert Counting.ran == ["one", "two", "one"]


def test_what_lacks_something_is_asked_again():
    for _ in range(2):
        assert lacking_tools(partial(Counting, "one"), ("sh", "no-such-tool")) == ["no-such-tool"]
    assert Counting.ran == ["one", "one"]
