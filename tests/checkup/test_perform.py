"""The whole examination on this machine; tests/cli/test_doctor.py has the self-test."""

import pytest

from surgewire.checkup import perform as perform_module
from surgewire.checkup.perform import perform
from surgewire.errors import SurgewireError
from surgewire.plan.models import ChatPlan, EchoPlan

ECHO = EchoPlan(url="ws://192.0.2.1/", connections=10, rate="1/s", size="100")
CHAT = ChatPlan(url="ws://h/?room={{room}}", connections=10, rate="1/s", size="100..300")


def names(examination):
    return [finding.name for finding in examination.findings]


def test_without_a_self_test_all_is_read(tmp_path):
    examination = perform(ECHO, elsewhere=True, runs_dir=tmp_path, self_test=False)
    assert examination.self_test is None
    assert names(examination)[-3:] == ["swap", "other_load", "versions"]
    assert examination.demand.host == "the server"
    assert examination.demand.sent_per_s == examination.demand.heard_per_s == 10.0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("plan", "size_bytes"), [(ECHO, 100), (CHAT, 300)])
def test_the_self_test_has_the_plans_messages(tmp_path, monkeypatch, plan, size_bytes):
    def refuse(size):
        raise SurgewireError(f"no server for {size} bytes")

    monkeypatch.setattr(perform_module, "measure", refuse)
    examination = perform(plan, elsewhere=False, runs_dir=tmp_path)
    assert names(examination)[-1] == "self_test"
    assert examination.findings[-1].found == f"no server for {size_bytes} bytes"
    assert examination.self_test is None
    assert examination.demand.host == plan.target.host
