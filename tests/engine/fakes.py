"""Small workers that speak the control protocol and count, without any network."""

import os
import select
import signal
import time
from pathlib import Path

from surgewire._core import gauge, ledger, traffic
from surgewire._core.histogram import Histogram
from surgewire.engine.control import ControlChannel
from surgewire.engine.shared import (
    PROGRESS_ESTABLISHED_NS,
    PROGRESS_FINISHED_NS,
    PROGRESS_HEARTBEAT_NS,
)
from surgewire.engine.timetable import Patience
from surgewire.plan.models import ChatPlan, ConnectPlan, EchoPlan

MS = 1_000_000
S = 1_000_000_000

IMPATIENT = Patience(ready_ns=400 * MS, margin_ns=300 * MS, exit_ns=300 * MS, abort_ns=300 * MS)


def echo_plan(**values):
    given = {
        "url": "ws://127.0.0.1:1/",
        "connections": 6,
        "processes": 2,
        "rate": "100/s",
        "duration": "300ms",
        "drain": "100ms",
        "ramp": "0s",
        "connect_timeout": "100ms",
    }
    return EchoPlan(**(given | values))


def connect_plan(**values):
    given = {
        "url": "ws://127.0.0.1:1/",
        "connections": 6,
        "processes": 2,
        "connect_rate": "1000/s",
        "connect_timeout": "100ms",
    }
    return ConnectPlan(**(given | values))


def chat_plan(**values):
    given = {
        "url": "ws://127.0.0.1:1/?room={{room}}",
        "connections": 6,
        "rooms": 2,
        "processes": 2,
        "rate": "100/s",
        "duration": "300ms",
        "drain": "100ms",
        "ramp": "0s",
        "connect_timeout": "100ms",
    }
    return ChatPlan(**(given | values))


def open_files():
    """Return the descriptors of this process."""
    return {path.name for path in Path("/dev/fd").iterdir()}


class Fake:
    """The steps that all fakes are put together from."""

    def __init__(self, worker, plan, region, control):
        self.channel = ControlChannel(control)
        self.plan = plan
        self.gauge = region.gauge
        self.part = region.slice(worker)
        self.users = len(range(worker, plan.connections, region.workers))
        self.told = []

    def count(self, name, n=1):
        names, counts = (
            (ledger.COUNTERS, self.part.ledger[0])
            if name in ledger.COUNTERS
            else (traffic.COUNTERS, self.part.traffic)
        )
        counts[names.index(name)] += n

    def say(self, kind):
        self.channel.send({"t": kind})

    def hear(self, until_ns=None):
        """Wait for a message and return it; None at the instant or when the supervisor is gone."""
        while not self.told:
            wait_s = None if until_ns is None else max(until_ns - time.monotonic_ns(), 0) / 1e9
            ready, _, _ = select.select([self.channel], [], [], wait_s)
            self.part.progress[PROGRESS_HEARTBEAT_NS] = time.monotonic_ns()
            if not ready:
                return None
            self.told += self.channel.receive()
            if self.channel.ended and not self.told:
                return None
        return self.told.pop(0)

    def connect(self):
        """Be told to start, and open all connections."""
        message = self.hear()
        if message["t"] != "start":
            return False
        time.sleep(max(message["at_ns"] - time.monotonic_ns(), 0) / 1e9)
        self.count("attempted", self.users)
        self.count("established", self.users)
        self.count("open", self.users)
        gauge.add(self.gauge, self.users)
        self.part.progress[PROGRESS_ESTABLISHED_NS] = time.monotonic_ns()
        Histogram(self.part.histograms["connect_time"]).record(3 * MS)
        self.say("connected")
        return True

    def exchange(self, lost=0):
        """Send one message for each user, of which `lost` get no answer."""
        self.count("sent", self.users)
        self.count("expected", self.users)
        self.count("delivered", self.users - lost)
        latency = Histogram(self.part.histograms["message_latency"])
        for _ in range(self.users - lost):
            latency.record(2 * MS)

    def finish(self):
        open_now = int(self.part.traffic[traffic.COUNTERS.index("open")])
        self.part.traffic[traffic.COUNTERS.index("open")] = 0
        self.count("closed", open_now)
        gauge.add(self.gauge, -open_now)
        self.part.progress[PROGRESS_FINISHED_NS] = time.monotonic_ns()
        self.say("finished")
        return 0


def good(worker, plan, region, control, run_tag):
    """Do everything as it should be."""
    fake = Fake(worker, plan, region, control)
    assert 0 <= run_tag < 1 << 30
    fake.say("ready")
    if fake.connect() and (message := fake.hear()) is not None and message["t"] == "send":
        length_ns = plan.hold_ns if plan.kind == "connect" else plan.warmup_ns + plan.duration_ns
        if plan.kind == "echo":
            fake.exchange()
        fake.hear(message["at_ns"] + length_ns)
    if fake.channel.ended:
        return 3
    return fake.finish()


def early(worker, plan, region, control, run_tag):
    """Send while connecting, as told in one breath, and have a word in the end."""
    fake = Fake(worker, plan, region, control)
    fake.say("ready")
    start, send = fake.hear(), fake.hear()
    assert (start["t"], send["t"]) == ("start", "send")
    assert start["at_ns"] == send["at_ns"]
    fake.told.append(start)
    fake.connect()
    fake.hear(send["at_ns"] + plan.duration_ns)
    fake.channel.send({"t": "note", "text": f"a word of {worker}" + "!" * 1000})
    return fake.finish()


def emptied(worker, plan, region, control, run_tag):
    """Lose every connection before sending, as of a target that is restarted just then."""
    fake = Fake(worker, plan, region, control)
    fake.say("ready")
    fake.hear()
    for name in ("attempted", "established", "closed"):
        fake.count(name, fake.users)
    fake.part.progress[PROGRESS_ESTABLISHED_NS] = time.monotonic_ns()
    fake.say("connected")
    message = fake.hear()
    if message["t"] == "send":
        fake.hear(message["at_ns"] + plan.duration_ns)
    return fake.finish()


def deaf_to_drain(worker, plan, region, control, run_tag):
    """Finish when told to give up, not before."""
    fake = Fake(worker, plan, region, control)
    fake.say("ready")
    fake.connect()
    fake.exchange(lost=1)
    while (message := fake.hear()) is not None:
        if message["t"] == "abort":
            fake.count("lost")
            return fake.finish()
    return 3


def deaf(worker, plan, region, control, run_tag):
    """Be connected, then never listen again."""
    fake = Fake(worker, plan, region, control)
    fake.say("ready")
    fake.connect()
    fake.exchange(lost=1)
    while not fake.channel.ended:
        fake.hear()
    return 3


def one_unlike_the_others(bad):
    """Make a worker whose number 1 does `bad` and whose others are good."""

    def work(worker, plan, region, control, run_tag):
        main = bad if worker == 1 else good
        return main(worker, plan, region, control, run_tag)

    return work


def never_ready(worker, plan, region, control, run_tag):
    Fake(worker, plan, region, control).hear()
    time.sleep(60)


def never_connected(worker, plan, region, control, run_tag):
    fake = Fake(worker, plan, region, control)
    fake.say("ready")
    fake.hear()
    fake.count("attempted", fake.users)
    time.sleep(60)


def never_finished(worker, plan, region, control, run_tag):
    fake = Fake(worker, plan, region, control)
    fake.say("ready")
    fake.connect()
    fake.exchange(lost=1)
    time.sleep(60)


def never_ended(worker, plan, region, control, run_tag):
    good(worker, plan, region, control, run_tag)
    time.sleep(60)


def shot(worker, plan, region, control, run_tag):
    """Be killed in the middle of sending, one attempt without outcome, one message under way."""
    fake = Fake(worker, plan, region, control)
    fake.say("ready")
    fake.connect()
    fake.hear()
    fake.exchange(lost=1)
    fake.count("attempted")
    os.kill(os.getpid(), signal.SIGKILL)


def raises(worker, plan, region, control, run_tag):
    raise RuntimeError("a defect on purpose")


def babbles(worker, plan, region, control, run_tag):
    control.sendall(b"\xff\xff\xff\xff")
    time.sleep(60)


def stops_for_a_while(worker, plan, region, control, run_tag):
    """Stop dead while sending, until somebody lets it go on."""
    fake = Fake(worker, plan, region, control)
    fake.say("ready")
    fake.connect()
    fake.hear()
    fake.exchange()
    os.kill(os.getpid(), signal.SIGSTOP)
    return fake.finish()


class Watcher:
    """An observer that keeps what it is told."""

    def __init__(self):
        self.records = []
        self.ticks = 0
        self.run_dir = self.plan = self.result = None

    def started(self, run_dir, plan):
        self.run_dir, self.plan = run_dir, plan

    def record(self, record):
        self.records.append(record)

    def tick(self):
        self.ticks += 1

    def finished(self, result):
        self.result = result

    def events(self, kind):
        return [r.detail for r in self.records if r.TYPE == "event" and r.kind == kind]

    def notes(self):
        return [detail["text"] for detail in self.events("note")]

    def total(self, name):
        return sum(r.counters[name] for r in self.records if r.TYPE == "interval")
