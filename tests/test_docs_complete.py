"""The docs name all that there is, and nothing else: options, error kinds, doubts, keys, columns.

What is compared stands in tables: a name in backticks begins its row. The truth is the code's own.
"""

import ast
import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import typer

import surgewire
from surgewire._core.chat_truth import EVENTS as CHAT_EVENTS
from surgewire._core.chat_truth import TRUTH_HEADER as CHAT_TRUTH_HEADER
from surgewire._core.echo import TRUTH_HEADER
from surgewire.cli.job import EXIT_CODES
from surgewire.cli.main import app
from surgewire.doctor.ability import SelfTest
from surgewire.doctor.examination import Examination
from surgewire.doctor.finding import Finding
from surgewire.doctor.finding import Status as FindingStatus
from surgewire.engine import casualty, kinds, taxonomy
from surgewire.plan.chat_target import ChatTargetConfig
from surgewire.plan.echo_target import EchoTargetConfig
from surgewire.plan.models import ChatPlan, ConnectPlan, EchoPlan
from surgewire.plan.template import SLOTS
from surgewire.plan.units import parse_duration, parse_share, parse_size
from surgewire.results import doubts_account, doubts_load, usage
from surgewire.results.doubt import DoubtCode
from surgewire.results.percentile import PERCENTILES, display_name, needed
from surgewire.results.tally import Tally
from tests.doctor.trees import demand

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src"
# Page of each command; those that have none have no options but --help.
PAGES = {
    "echo": "docs/echo.md",
    "chat": "docs/chat.md",
    "connect": "docs/connect.md",
    "serve echo": "docs/serve.md",
    "serve chat": "docs/chat.md",
    "demo": "README.md",
    "doctor": "docs/doctor.md",
    "report": "docs/report.md",
    "watch": "docs/soak.md",
}
OWN_PAGES = (
    "README.md",
    *(
        f"docs/{name}.md"
        for name in (
            "echo",
            "chat",
            "delivery",
            "connect",
            "connecting",
            "serve",
            "report",
            "doctor",
            "soak",
            "errors",
            "python",
            "tuning",
        )
    ),
)

# Page of what all commands that connect have in common.
CONNECTING = "docs/connecting.md"

ROW = re.compile(r"^\| `(?P<name>[^`]+)` +\|(?P<rest>.*)$", re.M)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
# Those of the program itself, and of prlimit.
OTHER_OPTIONS = {"--version", "--pid", "--nofile"}
# Kinds of errors that are made of what came: the docs show the form.
FORMS = {
    "tls_<reason>",
    "http_<status>",
    "close_<code>",
    "protocol_<what>",
    "proxy_http_<status>",
    "proxy_socks_<reason>",
}


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def section_of(page: str, title: str) -> str:
    """Return what stands below a heading, up to the next of the same or a higher level."""
    _, heading, after = text_of(page).partition(f"\n{title}\n")
    assert heading, f"{page} has no heading {title!r}"
    level = title.partition(" ")[0]
    inside = takewhile(
        lambda line: not re.match(rf"#{{1,{len(level)}}} ", line), after.splitlines()
    )
    return "\n".join(inside)


def rows_of(page: str, title: str) -> dict[str, str]:
    """Return the rest of each row below a heading by the row's name; each name stands once."""
    found = ROW.findall(section_of(page, title))
    rows = dict(found)
    assert len(rows) == len(found), f"{page}, {title}: a row stands twice"
    return rows


def commands(group: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        full_name = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, full_name)
        else:
            yield full_name, command


def options_of(command: Any) -> set[str]:
    found = {option for parameter in command.params for option in spellings(parameter)}
    return {option for option in found if option.startswith("--")}


def spellings(parameter: Any) -> list[str]:
    """Return how an option is written, the way to switch it off included."""
    return [*parameter.opts, *parameter.secondary_opts]


def shared_options(command: Any) -> set[str]:
    """Return the options that stand in the help under the title of their group."""
    grouped = [item for item in command.params if getattr(item, "rich_help_panel", None)]
    return {option for item in grouped for option in spellings(item) if option.startswith("--")}


def own_options(command: Any) -> set[str]:
    return options_of(command) - shared_options(command)


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=lambda value: str(value))
def test_every_option_is_documented(name: str, command: Any) -> None:
    options = own_options(command)
    if name not in PAGES:
        assert not options, f"{name} has options and no page"
        return
    missing = options - set(OPTION.findall(text_of(PAGES[name])))
    assert not missing, f"{PAGES[name]} is silent about {missing}"


@pytest.mark.parametrize("name", ["echo", "chat", "connect"])
def test_the_options_on_connecting_are_in_the_tables_of_their_page(name: str) -> None:
    rows = [row for row, _ in ROW.findall(text_of(CONNECTING)) if row.startswith("--")]
    assert len(set(rows)) == len(rows), "a row stands twice"
    assert {row.partition(" ")[0] for row in rows} == shared_options(dict(commands())[name])


def test_every_option_on_connecting_is_shown_in_a_command() -> None:
    """And test_docs.py runs the commands."""
    rows = {row.partition(" ")[0] for row, _ in ROW.findall(text_of(CONNECTING))}
    commands_shown = re.findall(r"^```console\n(.*?)^```", text_of(CONNECTING), re.M | re.S)
    shown = set(OPTION.findall("\n".join(commands_shown)))
    assert {row for row in rows if row.startswith("--")} <= shown


@pytest.mark.parametrize("page", OWN_PAGES)
def test_every_documented_option_exists(page: str) -> None:
    known = set().union(*(options_of(command) for _, command in commands()), OTHER_OPTIONS)
    assert set(OPTION.findall(text_of(page))) <= known


# Heading of the table of options, where a page has more than one.
TABLES = {"serve chat": "### Options of serve chat"}
PLANS = {
    "echo": EchoPlan(url="ws://h/", connections=1, rate="1/s"),
    "chat": ChatPlan(url="ws://h/", connections=1, rate="1/s"),
    "connect": ConnectPlan(url="ws://h/", connections=1, connect_rate="1/s"),
    "serve echo": EchoTargetConfig(),
    "serve chat": ChatTargetConfig(),
}


def options_told(command: str) -> dict[str, str]:
    return rows_of(PAGES[command], TABLES.get(command, "## Options"))


@pytest.mark.parametrize("command", PLANS)
def test_the_table_of_options_is_that_of_the_command(command: str) -> None:
    rows = options_told(command)
    assert {name.partition(" ")[0] for name in rows} == own_options(dict(commands())[command])


@pytest.mark.parametrize("command", PLANS)
def test_documented_defaults_are_those_of_the_plan(command: str) -> None:
    compared = set()
    for name, rest in options_told(command).items():
        field = name.partition(" ")[0].removeprefix("--").replace("-", "_")
        default = rest.split("|")[0].strip().strip("`")
        plan = PLANS[command]
        if getattr(plan, f"{field}_ns", None) is not None and field not in ("ramp", "stall"):
            assert parse_duration(default) == getattr(plan, f"{field}_ns"), name
        elif hasattr(plan, f"{field}_bytes"):
            assert parse_size(default) == getattr(plan, f"{field}_bytes"), name
        elif getattr(plan, f"{field}_ppm", None) is not None and field not in ("churn", "cut"):
            assert parse_share(default) == getattr(plan, f"{field}_ppm"), name
        elif default and field in ("seed", "port", "host", "rooms", "to", "send"):
            assert default == str(getattr(plan, field)), name
        else:
            continue
        compared.add(field)
    assert compared


def test_slots_of_templates_are_documented() -> None:
    named = {re.sub(r"[{}]|:8", "", name) for name in rows_of("docs/chat.md", "## Templates")}
    assert named == set(SLOTS)


def test_documented_defaults_beyond_the_command_line_are_those_of_the_plan() -> None:
    rows = rows_of("docs/python.md", "## Plans")
    plan = PLANS["echo"]
    assert rows["witness"].rstrip(" |").endswith(f", {plan.witness}")
    assert rows["max_message_bytes"].rstrip(" |").endswith(f", {plan.max_message_bytes >> 20} MiB")
    assert f"up to {plan.witness} connections" in text_of("docs/report.md")


def literals_of(module: str) -> set[str]:
    """Return the texts in a Python module, its docstrings left out."""
    tree = ast.parse((SOURCES / module).read_text())
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def names_in(module: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (SOURCES / module).read_text()))


# Joins and greetings are awaited when the attempt has succeeded.
_AFTER_THE_UPGRADE = {taxonomy.TIMEOUT_JOIN, taxonomy.TIMEOUT_MESSAGE}


def kinds_of_attempts() -> set[str]:
    """Collect the names under which the code books attempts that failed."""
    name = re.compile(r"(dns|interrupted|(redirect|tcp|tls|timeout|local|proxy|unix)_[a-z_]*[a-z])")
    found = {text for text in literals_of("surgewire/engine/taxonomy.py") if name.fullmatch(text)}
    for module in ("client_upgrade", "upgrade"):
        found |= names_in(f"surgewire/dialects/{module}.py", r'UpgradeError\("([a-z_]+)"')
    found |= names_in("surgewire/dialects/http_proxy.py", r'UpgradeError\("([a-z_]+)"')
    found |= names_in("surgewire/engine/way/proxy.py", r'"(proxy_(?!socks)[a-z_]+)"')
    found |= names_in("_core/connection.pyx", r'"((?:tls|upgrade)_[a-z]+)"')
    found |= names_in("_core/tls_link.pyx", r'"(tls_[a-z_]+)"')
    return found - _AFTER_THE_UPGRADE | {casualty.WORKER_DIED}


def kinds_of_disconnects() -> set[str]:
    """Collect the names under which the code books connections that ended early."""
    found = names_in("_core/connection.pyx", r'"(eof|tcp_[a-z]+)"')
    found |= names_in("_core/stream.pyx", r'"(tcp_[a-z]+)"')
    found |= names_in("_core/pinger.pyx", r'"(timeout_[a-z]+)"')
    return found | _AFTER_THE_UPGRADE | {casualty.WORKER_DIED}


def breaches() -> set[str]:
    source = (SOURCES / "_core/frame.pyx").read_text()
    names = re.search(r"ERROR_NAMES = \[(.*?)\]", source, re.S)
    assert names
    return {f"protocol_{name}" for name in re.findall(r'"([a-z0-9_]+)"', names[1])} - {
        "protocol_none"
    }


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("## Attempts that fail", kinds_of_attempts),
        ("## Connections that end early", kinds_of_disconnects),
        ("## Breaches of the protocol", breaches),
    ],
)
def test_kinds_of_errors_are_those_of_the_code(
    title: str, expected: Callable[[], set[str]]
) -> None:
    assert set(rows_of("docs/errors.md", title)) - FORMS == expected()


def test_forms_of_kinds_are_documented() -> None:
    text = text_of("docs/errors.md")
    assert all(f"`{form}`" in text for form in FORMS)
    for reason in names_in("surgewire/engine/way/proxy.py", r'"proxy_socks_([a-z_]+)"'):
        assert f"`{reason}`" in text
    assert f"`{kinds.OTHER}`" in text
    assert f"{kinds.CAPACITY} different kinds" in text


def test_doubts_are_those_of_the_code() -> None:
    assert set(rows_of("docs/report.md", "## Doubts")) == {code.value for code in DoubtCode}


@pytest.mark.parametrize(
    ("code", "figures"),
    [
        (
            DoubtCode.WORKER_SATURATED,
            (f"{usage.SATURATED_PERCENT:g} %", f"{doubts_load.SATURATED_IN_A_ROW} intervals"),
        ),
        (
            DoubtCode.SEND_LAG,
            (
                f"{100 * doubts_load.SEND_LAG_SHARE:g} %",
                f"above {doubts_load.SEND_LAG_FLOOR_MS:g} ms",
                f"above {doubts_load.SEND_LAG_LIMIT_MS:g} ms",
            ),
        ),
        (
            DoubtCode.LOOP_LAG,
            (
                f"above {doubts_load.LOOP_LAG_LIMIT_MS:g} ms",
                f"at least {doubts_load.STANDSTILL_MS / 1e3:g} s",
            ),
        ),
        (DoubtCode.CONNECT_LAG, (f"above {doubts_load.CONNECT_LAG_LIMIT_MS:g} ms",)),
        (DoubtCode.STEAL, (f"{doubts_load.STEAL_LIMIT_PERCENT:g} %",)),
        (DoubtCode.CLOCK_STEP, (f"{doubts_account.CLOCK_STEP_LIMIT_MS:g} ms",)),
        (DoubtCode.FEW_SAMPLES, (f"{doubts_account.MIN_SAMPLES:,}",)),
    ],
)
def test_the_limits_of_doubts_are_those_of_the_code(
    code: DoubtCode, figures: tuple[str, ...]
) -> None:
    raised_when = rows_of("docs/report.md", "## Doubts")[code.value].split("|")[0]
    assert all(figure in raised_when for figure in figures)


def test_notes_are_those_of_the_code() -> None:
    codes = names_in("surgewire/results/notes.py", r'Note\(\s*"([a-z_]+)"')
    assert set(rows_of("docs/report.md", "## Events and notes")) == codes
    schema = json.loads((ROOT / "docs/result.schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]["notes"]["items"]["properties"]["code"]["enum"]) == codes


def test_verdicts_and_their_exit_codes_are_those_of_the_code() -> None:
    rows = rows_of("docs/report.md", "## Verdicts and exit codes")
    documented = {name: int(rest.split("|")[0]) for name, rest in rows.items()}
    assert documented == {status.value: code for status, code in EXIT_CODES.items()}


def test_percentiles_need_what_the_code_asks_for() -> None:
    table = re.findall(r"^\| (p[\d.]+) \| ([\d,]+) \|$", text_of("docs/report.md"), re.M)
    assert dict(table) == {display_name(key): f"{needed(key):,}" for key in PERCENTILES}


def test_keys_of_the_json_are_documented() -> None:
    result = Tally().result().to_dict()
    section = section_of("docs/report.md", "## JSON")
    table = "\n".join(line.split("|")[1] for line in section.splitlines() if "|" in line)
    assert set(re.findall(r"`([a-z_]+)`", table)) == set(result)
    assert all(f"`{metric}`" in section for metric in result["metrics"])


def test_every_count_of_the_account_is_documented() -> None:
    section = section_of("docs/echo.md", "## What is counted")
    names = set(re.findall(r"^\| ([a-z ]+) \|", section, re.M)) - {"name"}
    shown = {name.replace(" ", "_") for name in names}
    # Told on the report's other lines, in the words of docs/report.md.
    elsewhere = {"undecided", "in_flight_at_leave", "rate", "warmup_sent", "warmup_delivered"}
    # Of chat runs only.
    elsewhere |= {"before_join", "complete", "completeness"}
    assert shown == set(Tally().result().to_dict()["delivery"]) - elsewhere


def test_columns_of_the_truth_are_documented() -> None:
    assert list(rows_of("docs/serve.md", "## The truth file")) == TRUTH_HEADER.split(",")


def test_truth_of_the_chat_target_is_documented() -> None:
    rows = rows_of("docs/chat.md", "### The truth of serve chat")
    assert set(CHAT_TRUTH_HEADER.split(",")) <= rows.keys()
    section = section_of("docs/chat.md", "### The truth of serve chat")
    events = section.partition("| event | says |")[2]
    told = [name for line in events.splitlines() for name in re.findall(r"`(\w+)`", line[:70])]
    assert set(CHAT_EVENTS) <= set(told)


def test_fields_of_plans_are_documented() -> None:
    table = section_of("docs/python.md", "## Plans")
    for column, plan in ((1, EchoPlan), (2, ChatPlan), (3, ConnectPlan)):
        named: set[str] = set()
        for row in table.splitlines():
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            if len(cells) == 5 and cells[column] == "yes":
                named |= set(re.findall(r"`(\w+)`", cells[0]))
        fields = {re.sub(r"(_min|_max|_per)?_(ns|ppm)$", "", name) for name in plan.model_fields}
        fields = {name.removesuffix("_bytes") for name in fields - {"max_message_bytes"}}
        # What has another name, comes of another value, or does nothing in such a plan.
        fields = fields - {"kind", "target", "connect_rate_end"} | {"url", "max_message_bytes"}
        if plan is ConnectPlan:
            fields -= {"ramp"}
        assert named == fields


def test_public_names_are_documented() -> None:
    text = text_of("docs/python.md")
    names = set(surgewire.__all__) - {"__version__"}
    assert all(f"surgewire.{name}" in text for name in names)


def test_findings_of_the_doctor_are_documented() -> None:
    names: set[str] = set()
    for module in (SOURCES / "surgewire/doctor").glob("*.py"):
        names |= set(re.findall(r'(?:Finding|ok|unknown)\(\s*"([a-z_]+)"', module.read_text()))
    assert set(rows_of("docs/doctor.md", "## Findings")) == names
    statuses = section_of("docs/doctor.md", "## JSON")
    assert all(f"`{status.value}`" in statuses for status in FindingStatus)


def test_keys_of_the_doctors_json_are_documented() -> None:
    rows = rows_of("docs/doctor.md", "## JSON")
    told = Examination(demand(), {}, (), None).to_dict()
    assert set(rows) == set(told)
    assert set(re.findall(r"`([a-z_]+)`", rows["demand"])) == set(told["demand"])
    assert set(re.findall(r"`([a-z0-9_]+)`", rows["self_test"])) == {
        field.name for field in dataclasses.fields(SelfTest)
    }
    assert {field.name for field in dataclasses.fields(Finding)} <= set(
        re.findall(r"`([a-z_]+)`", rows["findings"])
    )
