"""What is done whole although somebody presses Ctrl-C."""

from __future__ import annotations

import signal
import threading

import pytest

from benchledger.runners.host import undisturbed

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """What the handlers of these tests raise."""


def interrupt(number, _frame):
    raise Interrupted(number)


@pytest.fixture(autouse=True)
def _handlers():
    before = {number: signal.signal(number, interrupt) for number in NUMBERS}
    yield
    for number, each in before.items():
        signal.signal(number, each)


def test_what_interrupts_comes_once_when_the_body_is_done():
    done = []

    def body():
        with undisturbed():
            for number in (*NUMBERS, *NUMBERS):
                signal.raise_signal(number)
                done.append(number)

    with pytest.raises(Interrupted):
        body()
    assert done == [*NUMBERS, *NUMBERS]


def test_an_interrupt_is_not_lost_where_the_body_fails():
    def body():
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            raise OSError

    with pytest.raises(Interrupted) as raised:
        body()
    assert isinstance(raised.value.__context__, OSError)


def test_the_inner_of_two_bodies_does_not_interrupt_the_outer_one():
    done = []

    def body():
        with undisturbed():
            with undisturbed():
                signal.raise_signal(signal.SIGTERM)
            done.append("outer")

    with pytest.raises(Interrupted):
        body()
    assert done == ["outer"]


def test_all_handlers_are_back_also_where_a_signal_comes_while_they_are_set_back(monkeypatch):
    plain = signal.signal

    def at_once(number, handler):
        plain(number, handler)
        if handler is interrupt:
            signal.raise_signal(number)

    def body():
        with undisturbed():
            pass

    monkeypatch.setattr(signal, "signal", at_once)
    with pytest.raises(Interrupted):
        body()
    monkeypatch.undo()
    assert [signal.getsignal(number) for number in NUMBERS] == [interrupt] * 3


def test_in_another_thread_the_handlers_stay_as_they_are():
    seen = []

    def body():
        with undisturbed():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [interrupt]
