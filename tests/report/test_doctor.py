import io

import pytest

from surgewire.doctor.examination import Examination
from surgewire.doctor.examine import examine
from surgewire.doctor.finding import Finding, Status
from surgewire.report.doctor import format_examination, print_examination
from tests.doctor.trees import demand, machine, tree

COMMAND = 'sysctl -w net.ipv4.ip_local_port_range="1024 65535" ' + "&& true " * 12


def examination(*findings):
    return Examination(demand(), {"cpus": 4}, findings, None)


ILL = Finding("local_ports", Status.FAIL, "27,232", "60,000", COMMAND.strip(), "a", "it is refused")
WELL = Finding("swap", Status.OK, "none", "none, or none in use")


def test_what_is_well_takes_a_line_and_what_is_ill_says_all():
    lines = format_examination(examination(ILL, WELL), "60,000 connections").splitlines()
    assert lines == [
        "surgewire doctor  60,000 connections",
        "",
        "ok    swap           none   wanted: none, or none in use",
        "FAIL  local ports    27,232",
        "                     wanted  60,000",
        f"                     change  {COMMAND.strip()}",
        "                     or      a",
        "                     if not  it is refused",
        "",
        "NOT READY  change first: local ports",
    ]


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ((WELL,), "READY  nothing stands against this run"),
        ((Finding("swap", Status.UNKNOWN, "?"),), "READY  nothing stands against this run"),
        ((Finding("swap", Status.WARN, "x"),), "READY  with 1 warning: swap"),
        ((ILL, Finding("a_b", Status.FAIL, "x")), "NOT READY  change first: local ports, a b"),
    ],
)
def test_the_last_line_is_the_verdict(findings, verdict):
    assert format_examination(examination(*findings), "").splitlines()[-1] == verdict


@pytest.mark.parametrize("width", [20, 80, 90, 200])
def test_lines_keep_their_width_and_commands_stay_whole(tmp_path, width):
    changes = {"proc/sys/net/core/somaxconn": "1", "proc/self/timerslack_ns": "900000"}
    findings = examine(
        demand(local=True, runs_dir=tmp_path), machine(tree(tmp_path, changes), hard_files=9), None
    )
    commands = {finding.command for finding in findings if finding.command}
    assert len(commands) == 3
    text = format_examination(examination(*findings), "x", width=width)
    for line in text.splitlines():
        whole = any(line.endswith(command) for command in commands)
        assert whole or len(line) <= min(max(width, 80), 100) or str(tmp_path) in line, line
    assert all(command in text for command in commands)


def test_colours_are_for_terminals_alone():
    assert "\x1b[" in format_examination(examination(ILL), "", colour=True)
    out = io.StringIO()
    print_examination(examination(ILL), "\x1b[31mevil", out)
    assert "\x1b" not in out.getvalue()


def test_what_the_system_writes_is_data():
    ill = Finding("governor", Status.WARN, "\x1b[2Jevil\nline", command="echo \x1b[0m")
    assert "\x1b" not in format_examination(examination(ill), "")


def test_the_json_is_the_whole_of_it():
    told = examination(ILL, WELL).to_dict()
    assert told["schema"] == "surgewire.doctor/1"
    assert told["ready"] is False
    assert told["self_test"] is None
    assert told["demand"]["connections"] == 10_000
    assert [finding["status"] for finding in told["findings"]] == ["fail", "ok"]
    assert told["findings"][0]["command"] == COMMAND.strip()
