"""From a plan to an examination of this machine."""

import dataclasses
import time
from pathlib import Path

from surgewire.checkup.self_test import measure
from surgewire.doctor.ability import check_ability, not_tested
from surgewire.doctor.examination import Examination
from surgewire.doctor.examine import examine
from surgewire.doctor.load import OtherLoad, cpu_times, other_load
from surgewire.doctor.machine import Machine
from surgewire.doctor.root import Root
from surgewire.engine.limits import demand_of
from surgewire.engine.machine import describe_machine
from surgewire.engine.way.sources import check_sources, source_addresses
from surgewire.errors import SurgewireError
from surgewire.plan.models import ChatPlan, EchoPlan, Plan

# Ticks are 10 ms: over less than this, one of them is a large share.
_LOOK_S = 0.5
_DEFAULT_BYTES = 64
# Beyond this the server's buffers are measured, and the seconds do not suffice.
_MOST_BYTES = 64 << 10


def perform(
    plan: Plan,
    *,
    elsewhere: bool,
    runs_dir: Path | None = None,
    self_test: bool = True,
) -> Examination:
    """Hold this machine against `plan`; changes nothing.

    elsewhere: the target of `plan` only stands for a server on another machine.
    self_test: measure as well, which takes some seconds. Raises UsageError where the plan names
    source addresses that this machine does not have, KeyboardInterrupt at Ctrl-C.
    """
    machine = Machine.here()
    check_sources(plan, source_addresses(plan, machine.ports))
    demand = demand_of(plan, machine, runs_dir)
    if elsewhere:
        demand = dataclasses.replace(demand, host="the server")
    findings = examine(demand, machine, _watch_others(machine.root))
    test = None
    if self_test:
        try:
            test = measure(_message_bytes(plan))
            findings += check_ability(demand, test, machine.cpus)
        except SurgewireError as error:
            # What stands in its way is most likely among the findings.
            findings += (not_tested(str(error)),)
    return Examination(demand, describe_machine(), findings, test)


def _watch_others(root: Root) -> OtherLoad | None:
    before = cpu_times(root)
    time.sleep(_LOOK_S)
    return other_load(before, cpu_times(root))


def _message_bytes(plan: Plan) -> int:
    """Return the size of the messages to measure with: the largest of the plan, up to 64 kB."""
    size_bytes = _DEFAULT_BYTES
    if isinstance(plan, EchoPlan):
        size_bytes = plan.size_bytes
    elif isinstance(plan, ChatPlan) and plan.size is not None:
        size_bytes = plan.size.most_bytes
    return min(size_bytes, _MOST_BYTES)
