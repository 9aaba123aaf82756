from surgewire.doctor.load import CpuTimes, OtherLoad, cpu_times, other_load
from surgewire.doctor.root import HERE, Root
from tests.doctor.trees import tree


def test_shares_are_of_the_time_between_two_readings(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    before = cpu_times(tree(tmp_path / "a", {"proc/stat": "cpu  10 0 10 100 0 0 0 5 0 0\ncpu0 1"}))
    after = cpu_times(tree(tmp_path / "b", {"proc/stat": "cpu  30 5 15 160 0 3 2 15 0 0\ncpu0 1"}))
    assert before == CpuTimes(20, 100, 5)
    assert other_load(before, after) == OtherLoad(35 / 105, 10 / 105)


def test_nothing_is_made_of_nothing(tmp_path):
    assert cpu_times(Root()) is None
    assert cpu_times(tree(tmp_path, {"proc/stat": "cpu 1 2"})) is None
    now = CpuTimes(1, 1, 1)
    assert other_load(now, now) is None
    assert other_load(None, now) is None


def test_this_system_tells():
    now = cpu_times(HERE)
    assert now is None or now.idle > 0
