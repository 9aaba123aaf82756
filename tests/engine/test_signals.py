import os
import signal
import threading

import pytest

from surgewire.engine.signals import SignalInbox, become_worker, signals_held_back


def test_signals_are_taken_in_their_order_and_do_nothing_else():
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)}
    with SignalInbox() as inbox:
        assert inbox.take() == []
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert inbox.take() == [signal.SIGINT, signal.SIGTERM, signal.SIGINT]
        assert inbox.take() == []
    assert {n: signal.getsignal(n) for n in before} == before
    assert inbox.fileno() == -1


def test_the_wakeup_descriptor_of_others_is_put_back():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer)
    try:
        with SignalInbox():
            pass
        assert signal.set_wakeup_fd(before) == writer
    finally:
        os.close(reader)
        os.close(writer)


def test_other_threads_catch_nothing():
    before = signal.getsignal(signal.SIGINT)
    inside = []

    def enter():
        with SignalInbox() as inbox:
            inside.append(signal.getsignal(signal.SIGINT))
            inside.append(inbox.take())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert inside == [before, []]


def test_signals_wait_while_held_back():
    with SignalInbox() as inbox:
        with signals_held_back():
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            assert inbox.take() == []
        assert inbox.take() == [signal.SIGTERM]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_ignores_what_asks_to_stop(number):
    with SignalInbox():
        pid = os.fork()
        if pid == 0:
            try:
                become_worker()
                os.kill(os.getpid(), number)
                default = signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
                os._exit(0 if default and signal.set_wakeup_fd(-1) == -1 else 1)
            finally:
                os._exit(2)
        assert os.waitpid(pid, 0)[1] == 0
