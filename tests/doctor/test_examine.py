"""Every check by literal trees: what a sound system says, and what each ill one."""

import shutil
import subprocess
import time

import pytest

from surgewire.doctor.examine import examine, quick
from surgewire.doctor.finding import Status, ready
from surgewire.doctor.load import OtherLoad, cpu_times
from surgewire.doctor.machine import Machine
from surgewire.doctor.root import Root
from tests.doctor.trees import demand, machine, tree

IDLE = OtherLoad(0.01, 0.0)
CGROUP = "sys/fs/cgroup/user.slice"
CLOCKS = "sys/devices/system/clocksource/clocksource0"
GOVERNOR = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
TIGHT = {"available_bytes": 100 << 20}
MANY_WAIT = "TCP: inuse 1 orphan 0 tw 20000 alloc 1 mem 71"

# files that differ, machine, demand -> finding, status, words of its line
ILL = [
    ({}, {"hard_files": 4096}, {}, "open_files", "fail", "--nofile=5074:5074`, or use `--proc"),
    ({}, {"hard_files": 4096}, {"connections": 20_000}, "open_files", "fail", "`--processes 5`"),
    (
        {"proc/sys/fs/nr_open": "4096"},
        {"hard_files": 4096},
        {},
        "open_files",
        "fail",
        "`sudo sysctl -w fs.nr_open=5074 && sudo prlimit --pid $$ --nofile=5074:5074`",
    ),
    ({}, {"hard_files": 700}, {"processes": 500}, "open_files", "fail", "1,074 to watch 500"),
    ({"proc/sys/fs/file-nr": "9000 0 12000"}, {}, {}, "system_files", "fail", "file-max=38256"),
    (
        {"proc/sys/fs/file-nr": "9000 0 12000"},
        {"superuser": True},
        {},
        "system_files",
        "warn",
        "`sysctl -w fs.file-max=38256`",
    ),
    ({}, {}, {"connections": 60_000}, "local_ports", "fail", '"1024 65535"`'),
    ({}, {}, {"connections": 70_000}, "local_ports", "fail", "use `--connections 63512`"),
    (
        {"proc/sys/net/ipv4/ip_local_reserved_ports": "8080,40000-59999,65000"},
        {},
        {},
        "local_ports",
        "fail",
        "7,232 (range 32768-60999, 20,000 of them reserved",
    ),
    ({"proc/net/sockstat": MANY_WAIT}, {}, {}, "local_ports", "warn", "tcp_tw_reuse=1"),
    ({f"{CGROUP}/pids.max": "5", f"{CGROUP}/pids.current": "4"}, {}, {}, "processes", "fail", "1"),
    (
        {"proc/sys/net/core/somaxconn": "128"},
        {},
        {"local": True},
        "accept_queue",
        "warn",
        "1,000, what comes in a second of connecting; if it stays so, SYNs are dropped",
    ),
    (
        {"proc/sys/net/ipv4/tcp_mem": "1000 2000 4000"},
        {},
        {},
        "socket_memory",
        "warn",
        'net.ipv4.tcp_mem="10071 20142 40284"`',
    ),
    ({"proc/sys/net/netfilter/nf_conntrack_max": "9000"}, {}, {}, "conntrack", "warn", "=20034`"),
    ({}, {"cpus": 1}, {}, "cores", "warn", "1 core; wanted: one for each of 2 processes"),
    (
        {f"{CGROUP}/cpu.max": "150000 100000"},
        {},
        {},
        "cores",
        "warn",
        "4 cores, but a control group allows the time of 1.5",
    ),
    ({GOVERNOR: "powersave"}, {}, {}, "governor", "warn", "echo performance | tee /sys/"),
    (
        {f"{CLOCKS}/current_clocksource": "hpet"},
        {},
        {},
        "clock_source",
        "warn",
        f"echo tsc > /{CLOCKS}/current_clocksource",
    ),
    (
        {f"{CLOCKS}/current_clocksource": "xen", f"{CLOCKS}/available_clocksource": "xen"},
        {},
        {},
        "clock_source",
        "warn",
        "another machine",
    ),
    ({"proc/self/timerslack_ns": "5000000"}, {}, {}, "timer_slack", "warn", "5,000 µs"),
    ({}, TIGHT, {}, "memory", "warn", "100 MiB available; wanted: about 159 MiB"),
    ({}, {}, {"secure": True, "connections": 200_000}, "memory", "warn", "12,580 MiB"),
    (
        {
            f"{CGROUP}/memory.max": str(128 << 20),
            f"{CGROUP}/memory.current": str(60 << 20),
            f"{CGROUP}/memory.stat": f"anon 1\ninactive_file {20 << 20}",
        },
        {},
        {},
        "memory",
        "warn",
        "88 MiB left of what this control group may take",
    ),
    ({}, {}, {"duration_s": 1e9}, "disk", "warn", "--runs-dir DIR"),
    (
        {"proc/meminfo": "SwapTotal: 2048 kB\nSwapFree: 1024 kB"},
        {},
        {},
        "swap",
        "warn",
        "1 MiB in use of 2 MiB",
    ),
    ({}, TIGHT, {}, "swap", "warn", "swapoff -a"),
]


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_a_sound_system_is_ready(tmp_path):
    findings = examine(demand(runs_dir=tmp_path), machine(tree(tmp_path)), IDLE)
    assert {finding.name: finding.status for finding in findings if finding.status != "ok"} == {}
    assert ready(findings)
    assert len(by_name(findings)) == len(findings)


def test_a_system_that_tells_nothing_is_not_accused(tmp_path):
    findings = examine(demand(runs_dir=tmp_path), machine(cpus=0), None)
    assert {finding.status for finding in findings} <= {Status.OK, Status.UNKNOWN}
    assert sum(finding.status is Status.UNKNOWN for finding in findings) == 9
    assert ready(findings)


@pytest.mark.parametrize(("files", "limits", "asked", "name", "status", "says"), ILL)
def test_an_ill_system_is_told_what_helps(tmp_path, files, limits, asked, name, status, says):
    asked = {"runs_dir": tmp_path} | asked
    findings = examine(demand(**asked), machine(tree(tmp_path, files), **limits), IDLE)
    finding = by_name(findings)[name]
    assert finding.status == status
    assert says in finding.line(), finding.line()
    assert finding.found
    assert finding.wanted
    assert finding.consequence
    assert finding.command or finding.advice
    assert "\n" not in finding.line()
    assert ready([finding]) is (status != "fail")
    if finding.command and shutil.which("bash"):
        subprocess.run(["bash", "-n", "-c", finding.command], check=True)


@pytest.mark.parametrize(
    ("load", "status", "says"),
    [
        (OtherLoad(0.5, 0.0), "warn", "`top`"),
        (OtherLoad(0.1, 0.05), "warn", "5 % stolen"),
        (OtherLoad(0.1, 0.0), "ok", "10 % of 4 cores busy"),
        (None, "unknown", "does not tell"),
    ],
)
def test_others_on_the_machine_are_seen(load, status, says):
    finding = by_name(examine(demand(), machine(), load))["other_load"]
    assert finding.status == status
    assert says in finding.line()


@pytest.mark.parametrize(
    ("changes", "asked", "status"),
    [
        ({GOVERNOR: "powersave"}, {}, "warn"),
        (
            {
                GOVERNOR: "powersave",
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "intel_pstate",
            },
            {},
            "ok",
        ),
        ({GOVERNOR: "schedutil"}, {}, "ok"),
    ],
)
def test_governors_that_follow_the_load_will_do(tmp_path, changes, asked, status):
    findings = quick(demand(**asked), machine(tree(tmp_path, changes)))
    assert by_name(findings)["governor"].status == status


def test_more_addresses_give_more_ports():
    finding = by_name(quick(demand(connections=50_000, paths=2), machine()))["local_ports"]
    assert finding.status == "ok"
    assert finding.found == "54,464 (range 32768-60999, 2 pairs of addresses)"


def test_a_unix_socket_needs_nothing_of_tcp(tmp_path):
    root = tree(
        tmp_path,
        {"proc/sys/net/ipv4/tcp_mem": "1 2 3", "proc/sys/net/netfilter/nf_conntrack_max": "1"},
    )
    found = by_name(quick(demand(connections=50_000, paths=0), machine(root)))
    assert found["local_ports"].found == "none are needed"
    assert found["socket_memory"].status == found["conntrack"].status == "ok"


def test_a_port_that_is_given_again_is_not_held_back(tmp_path):
    root = tree(tmp_path, {"proc/net/sockstat": MANY_WAIT, "proc/sys/net/ipv4/tcp_tw_reuse": "1"})
    assert by_name(quick(demand(), machine(root)))["local_ports"].status == "ok"


def test_groups_of_the_first_version_limit_too(tmp_path):
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "9:name=systemd:/\n4:memory:/docker/ab\n1:cpu,cpuacct:/docker/ab",
            # In a container the group's own folder is the mount itself.
            "sys/fs/cgroup/memory/memory.limit_in_bytes": str(64 << 20),
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "0",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        },
    )
    found = by_name(quick(demand(), machine(root)))
    assert found["memory"].found.startswith("64 MiB left")
    assert "allows the time of 0.5" in found["cores"].found


def test_groups_without_limits_are_none(tmp_path):
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/\n1:cpu:/\n3:pids:/\n0::/",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/pids/pids.max": "max",
            "sys/fs/cgroup/unified/memory.max": "max",
        },
    )
    findings = quick(demand(runs_dir=tmp_path), machine(root))
    assert {finding.status for finding in findings} == {Status.OK}


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "max",
        "a b c",
        "-1",
        "\x00\xff",
        "1e9",
        "५",
        "TCP: inuse x tw x mem ²",
        "cpu 1 2 a b c d e f g",
    ],
)
def test_files_full_of_nonsense_do_no_harm(tmp_path, nonsense):
    root = tree(tmp_path, dict.fromkeys(tree(tmp_path).paths("proc/**/*.*"), nonsense))
    for name in ("proc/self/cgroup", "proc/net/sockstat", "proc/sys/fs/file-nr", "proc/stat"):
        (tmp_path / name).write_text(nonsense)
    examine(demand(runs_dir=tmp_path), machine(root), IDLE)
    cpu_times(root)


def test_the_quick_form_is_quick():
    here = Machine.here()
    begin = time.perf_counter()
    findings = quick(demand(), here)
    assert time.perf_counter() - begin < 0.05
    assert len(findings) > 10


def test_what_is_unlimited_is_said_so():
    found = by_name(quick(demand(), machine(hard_files=1 << 62, soft_files=1 << 62)))
    assert found["open_files"].found == "hard limit none"


def test_numbers_end_where_words_begin(tmp_path):
    (tmp_path / "file").write_text("12 max 13")
    root = Root(tmp_path)
    assert root.numbers("file") == (12,)
    assert root.number("none") is None
    assert root.fields("file", " ") == {"12": "max 13"}
    assert Root().paths("*") == []
