"""Generators that others install, for the paced jobs; each is left out where it is not found.

They are used as their manuals say, one process where that can be chosen. What they call latency is
theirs: k6 and Locust time a message from its sending, tcpkali from its marker, Artillery and Tsung
print none that could be compared.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shutil
import subprocess
from pathlib import Path

from harness.generators import BENCHMARKS, Generator, Reported
from harness.jobs import Job, Timing

SCRIPTS = BENCHMARKS / "external"


class External:
    """What the adapters share: finding the program, its version, the jobs it can do."""

    name: str
    program: str
    version_argument = "--version"
    version_pattern = r"\d+\.\d+[\w.-]*"
    exit_codes = frozenset({0})

    def version(self) -> str | None:
        """Ask the program; None when it is not on the PATH."""
        path = shutil.which(self.program)
        if path is None:
            return None
        argv = [path, self.version_argument]
        said = subprocess.run(
            argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        found = re.search(self.version_pattern, said.stdout + said.stderr)
        return found.group() if found else "version unknown"

    def supports(self, job: Job) -> bool:
        """Do the paced jobs alone."""
        return job.mode == "paced"


def session_s(job: Job, timing: Timing) -> float:
    """Tell how long a run lasts from its first connection on."""
    return job.connections / job.connect_rate + timing.sending_s


def payload(job: Job) -> str:
    """Make a constant message, for those that cannot number theirs."""
    return "LIMIT".ljust(job.size_bytes, ".")


class K6(External):
    """Grafana k6 with its ``k6/ws`` module; its clock in scripts has whole milliseconds."""

    name = program = "k6"
    version_argument = "version"

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Run the script with the job in its environment."""
        values = {
            "URL": f"ws://127.0.0.1:{port}/",
            "CONNECTIONS": job.connections,
            "CONNECT_RATE": job.connect_rate,
            "RATE": job.rate,
            "SIZE": job.size_bytes,
            "SESSION_S": session_s(job, timing),
            "REPORT": directory / "k6.json",
        }
        settings = [part for name, value in values.items() for part in ("-e", f"{name}={value}")]
        return ["k6", "run", "--quiet", "--no-usage-report", *settings, str(SCRIPTS / "k6.js")]

    def report(self, stdout: str, directory: Path) -> Reported:
        """Read the summary that the script writes."""
        del stdout
        metrics = json.loads((directory / "k6.json").read_text())["metrics"]
        latency = metrics["echo_ms"]["values"]
        return Reported(
            sent=int(metrics["ws_msgs_sent"]["values"]["count"]),
            delivered=int(metrics["ws_msgs_received"]["values"]["count"]),
            p50_ms=latency["med"],
            p99_ms=latency["p(99)"],
        )


class Artillery(External):
    """Artillery with its ``ws`` engine, which sends and does not wait for answers."""

    name = "Artillery"
    program = "artillery"
    version_pattern = r"(?<=Artillery: )\S+"

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Write the scenario, users arriving at a constant rate."""
        arriving_s = max(1, round(job.connections / job.connect_rate))
        pause_ms = round(1000 / job.rate)
        rounds = math.ceil(timing.sending_s * 1000 / pause_ms)
        scenario = {
            "config": {
                "target": f"ws://127.0.0.1:{port}/",
                "phases": [
                    {"duration": arriving_s, "arrivalRate": job.connections // arriving_s},
                ],
            },
            "scenarios": [
                {
                    "engine": "ws",
                    "flow": [
                        {
                            "loop": [{"send": payload(job)}, {"think": f"{pause_ms}ms"}],
                            "count": rounds,
                        }
                    ],
                }
            ],
        }
        script = directory / "artillery.json"
        script.write_text(json.dumps(scenario))
        report = directory / "artillery-report.json"
        return ["artillery", "run", "--quiet", "--output", str(report), str(script)]

    def report(self, stdout: str, directory: Path) -> Reported:
        """Read how many messages it sent; it counts no answers."""
        del stdout
        report = json.loads((directory / "artillery-report.json").read_text())
        return Reported(sent=report["aggregate"]["counters"]["websocket.messages_sent"])


class Locust(External):
    """Locust with ``websocket-client``, which must be installed beside it."""

    name = "Locust"
    program = "locust"

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Run headless; rate and size travel in the environment."""
        run_time = f"{math.ceil(session_s(job, timing))}s"
        options = {
            "--locustfile": str(SCRIPTS / "locustfile.py"),
            "--host": f"ws://127.0.0.1:{port}/",
            "--users": str(job.connections),
            "--spawn-rate": f"{job.connect_rate:g}",
            "--run-time": run_time,
            "--csv": str(directory / "locust"),
        }
        settings = [f"BENCH_RATE={job.rate:g}", f"BENCH_SIZE={job.size_bytes}"]
        flags = ["--headless", "--only-summary", "--loglevel", "WARNING"]
        named = [part for pair in options.items() for part in pair]
        return ["env", *settings, "locust", *flags, *named]

    def report(self, stdout: str, directory: Path) -> Reported:
        """Read its table of statistics."""
        del stdout
        with (directory / "locust_stats.csv").open(newline="") as file:
            row = next(row for row in csv.DictReader(file) if row["Name"] == "echo")
        return Reported(
            delivered=int(row["Request Count"]) - int(row["Failure Count"]),
            p50_ms=float(row["50%"]),
            p99_ms=float(row["99%"]),
        )


class Tsung(External):
    """Tsung in one Erlang node; users arrive at random with the wanted mean rate."""

    name = "Tsung"
    program = "tsung"
    version_argument = "-v"

    def version(self) -> str | None:
        """Find the program and the document type that its configuration must name."""
        return super().version() if self._document_type() is not None else None

    def _document_type(self) -> Path | None:
        program = shutil.which(self.program)
        if program is None:
            return None
        found = Path(program).resolve().parents[1] / "share" / "tsung" / "tsung-1.0.dtd"
        return found if found.exists() else None

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Write the configuration; logs go into the directory."""
        rounds = math.ceil(timing.sending_s * job.rate)
        arriving_s = math.ceil(10 + 2 * job.connections / job.connect_rate)
        config = f"""<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "{self._document_type()}" []>
<tsung loglevel="warning" version="1.0">
  <clients>
    <client host="localhost" use_controller_vm="true" maxusers="{2 * job.connections}"/>
  </clients>
  <servers><server host="127.0.0.1" port="{port}" type="tcp"/></servers>
  <load>
    <arrivalphase phase="1" duration="{arriving_s}" unit="second">
      <users maxnumber="{job.connections}" arrivalrate="{job.connect_rate:g}" unit="second"/>
    </arrivalphase>
  </load>
  <sessions>
    <session name="echo" probability="100" type="ts_websocket">
      <request><websocket type="connect" path="/"></websocket></request>
      <for var="i" from="1" to="{rounds}">
        <request><websocket type="message">{payload(job)}</websocket></request>
        <thinktime value="{1 / job.rate:g}"/>
      </for>
      <request><websocket type="close"></websocket></request>
    </session>
  </sessions>
</tsung>
"""
        script = directory / "tsung.xml"
        script.write_text(config)
        return ["tsung", "-n", "-f", str(script), "-l", str(directory / "tsung-log"), "start"]

    def report(self, stdout: str, directory: Path) -> Reported:
        """Give nothing: its log holds means, no percentiles."""
        del stdout, directory
        return Reported()


class Tcpkali(External):
    """tcpkali with one worker thread and its latency marker."""

    name = program = "tcpkali"

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Take the job from the command line alone."""
        del directory
        options = {
            "--connections": job.connections,
            "--connect-rate": f"{job.connect_rate:g}",
            "--message-rate": f"{job.rate:g}",
            "--duration": f"{session_s(job, timing):g}s",
            "--workers": 1,
            "--message": payload(job),
            "--latency-marker": "LIMIT",
            "--latency-percentiles": "50,99",
        }
        named = [str(part) for pair in options.items() for part in pair]
        return ["tcpkali", "--ws", *named, f"127.0.0.1:{port}"]

    def report(self, stdout: str, directory: Path) -> Reported:
        """Find the line with the percentiles, in milliseconds."""
        del directory
        found = re.search(r"atency at percentiles:\s*([\d.]+)/([\d.]+)", stdout)
        if found is None:
            raise ValueError("no line with latency percentiles")
        return Reported(p50_ms=float(found[1]), p99_ms=float(found[2]))


def external_generators() -> list[Generator]:
    """List them all, installed or not."""
    os.environ.setdefault("ARTILLERY_DISABLE_TELEMETRY", "true")
    return [Tcpkali(), Artillery(), Tsung(), Locust(), K6()]
