import resource
import sys

import pytest

from surgewire.doctor.machine import Machine
from surgewire.engine.limits import LimitError, check_limits, demand_of, raise_file_limit
from surgewire.engine.machine import describe_machine
from surgewire.plan.models import ConnectPlan
from tests.engine.fakes import chat_plan, connect_plan, echo_plan

PORTS = (32_768, 60_999)


def machine_with(hard_files=1 << 20, ports=PORTS, available_bytes=1 << 40, open_files=10):
    return Machine(1024, hard_files, open_files, ports, available_bytes)


def plan(connections, processes=1, url="ws://127.0.0.1:1/"):
    return echo_plan(connections=connections, processes=processes, url=url, rate="1/s")


def test_a_plan_that_fits_needs_files_for_its_largest_worker():
    fitness = check_limits(plan(1001, processes=2), machine_with())
    assert fitness.files == 501 + 64 + 10
    assert fitness.sources == fitness.notes == ()


def test_the_supervisor_of_many_workers_needs_files_too():
    assert check_limits(plan(500, processes=500), machine_with()).files == 2 * 500 + 64 + 10


@pytest.mark.parametrize(
    ("connections", "processes", "hard", "helps"),
    [
        (10_000, 1, 4_096, ["`--processes 3`", "`sudo prlimit --pid $$ --nofile=10074:10074`"]),
        (10_000, 2, 4_096, ["5,074 in a process", "over 2 processes", "`--processes 3`"]),
        (1_000, 500, 1_024, ["1,074 to watch 500 processes", "a lower `--processes`"]),
    ],
)
def test_too_few_files_are_refused_with_what_helps(connections, processes, hard, helps):
    with pytest.raises(LimitError) as raised:
        check_limits(plan(connections, processes), machine_with(hard))
    message = str(raised.value)
    assert all(text in message for text in helps), message
    assert "\n" not in message
    assert raised.value.exit_code == 1


def test_the_advice_itself_fits():
    with pytest.raises(LimitError) as raised:
        check_limits(plan(10_000), machine_with(4_096))
    assert "--processes 3" in str(raised.value)
    assert check_limits(plan(10_000, 3), machine_with(4_096)).files <= 4_096


@pytest.mark.parametrize("hard", [70, 256, 74])
def test_no_number_of_processes_is_advised_where_none_helps(hard):
    with pytest.raises(LimitError, match="run `sudo prlimit") as raised:
        check_limits(plan(100_000), machine_with(hard))
    assert "--processes" not in str(raised.value)


def test_loopback_spreads_over_source_addresses():
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has all of 127.0.0.0/8")
    fitness = check_limits(plan(60_000, 2), machine_with())
    assert fitness.sources == tuple(f"127.0.0.{i}" for i in range(1, 6))
    [note] = fitness.notes
    assert "5 addresses, 127.0.0.1 to 127.0.0.5" in note


def test_a_distant_target_needs_a_wider_range():
    distant = plan(30_000, 2, url="ws://192.0.2.1/")
    with pytest.raises(
        LimitError, match=r'`sudo sysctl -w net.ipv4.ip_local_port_range="1024 65535"`'
    ):
        check_limits(distant, machine_with())
    assert check_limits(distant, machine_with(ports=(1_024, 65_535))).sources == ()


def test_a_distant_target_has_only_so_many_ports():
    with pytest.raises(LimitError, match="use `--connections 63512`, as no"):
        check_limits(plan(100_000, 2, url="ws://192.0.2.1/"), machine_with())
    many = connect_plan(connections=100_000, url="ws://[::1]:1/")
    with pytest.raises(LimitError, match="use `--total 63512`, "):
        check_limits(many, machine_with())


def test_scarce_memory_is_worth_a_note():
    [note] = check_limits(plan(10_000), machine_with(available_bytes=100 << 20)).notes
    assert note.startswith("memory: 100 MiB available; wanted: about 119 MiB for this run; if it")
    secure = plan(10_000, url="wss://127.0.0.1:1/")
    assert check_limits(plan(10_000), machine_with(available_bytes=500 << 20)).notes == ()
    assert check_limits(secure, machine_with(available_bytes=500 << 20)).notes


def test_the_books_of_rooms_count_as_memory():
    busy = chat_plan(connections=10_000, rooms=1, rate="1/s", duration="10s", processes=8)
    [note] = check_limits(busy, machine_with(available_bytes=450 << 20)).notes
    assert note.startswith("memory: ")
    quiet = chat_plan(connections=10_000, rooms=100, rate="0.1/s", duration="1m", processes=8)
    assert check_limits(quiet, machine_with(available_bytes=450 << 20)).notes == ()


@pytest.mark.parametrize(
    ("asked", "connect_per_s", "duration_s"),
    [
        (echo_plan(connections=5_000, ramp="10s", duration="1m", drain="5s"), 500, 75),
        (echo_plan(connections=5_000, ramp="0s", duration="1m", drain="0s"), 5_000, 60),
        (connect_plan(connections=5_000, connect_rate="100/s..400/s", hold="5s"), 400, 25),
        (ConnectPlan(url="ws://h/", storm=3_000), 3_000, 0),
        (ConnectPlan(url="ws://h/", waves="5x200/10s", hold="2s"), 200, 42),
        (ConnectPlan(url="ws://h/", waves="5x200/500ms"), 600, 2),
    ],
)
def test_a_plan_says_how_fast_and_how_long(asked, connect_per_s, duration_s):
    demand = demand_of(asked, machine_with())
    assert (demand.connect_per_s, demand.duration_s) == (connect_per_s, duration_s)


def test_a_plan_says_what_is_sent_and_heard():
    demand = demand_of(chat_plan(connections=100, rooms=10, rate="2/s"), machine_with())
    assert (demand.sent_per_s, demand.heard_per_s) == (200, 2_000)
    few = chat_plan(connections=100, rooms=10, rate="2/s", senders="10%")
    assert demand_of(few, machine_with()).heard_per_s == 200
    none = demand_of(connect_plan(), machine_with())
    assert (none.sent_per_s, none.heard_per_s) == (0, 0)


def test_the_soft_limit_is_raised_as_far_as_needed():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        raise_file_limit(200)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 256
        raise_file_limit(400)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (400, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_system_that_refuses_is_told_of(monkeypatch):
    def refuse(what, limits):
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(resource, "getrlimit", lambda what: (256, 4096))
    with pytest.raises(LimitError, match="run `ulimit -n 500` first"):
        raise_file_limit(500)


def test_this_machine_is_described():
    here = Machine.here()
    assert 0 < here.open_files < here.soft_files <= here.hard_files
    assert 0 < here.ports[0] < here.ports[1] < 1 << 16
    assert here.available_bytes > 0
    facts = describe_machine()
    assert set(facts) >= {"system", "release", "cpus", "python", "uvloop", "timer"}


def test_no_limit_is_a_large_number(monkeypatch):
    infinity = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda what: (infinity, infinity))
    assert Machine.here().hard_files > 1 << 40
    raise_file_limit(1 << 30)
