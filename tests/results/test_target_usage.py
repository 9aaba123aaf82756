"""What the target's process used."""

from surgewire.results.target_usage import TargetProcess
from tests.results.chat_samples import chat_start, moment, target
from tests.results.samples import tally_of

MB = 1 << 20


def process(*records: object) -> TargetProcess | None:
    return tally_of(chat_start(), *records).result().target.process  # type: ignore[arg-type]


def test_cpu_is_the_mean_of_sending_and_memory_the_peak_of_all() -> None:
    assert process(
        moment(1.0, phase="connecting", target=target(90 * MB)),
        moment(2.0, target=target(80 * MB)),
        moment(2.5, length_s=0.5, target=target(70 * MB)),
    ) == TargetProcess(
        pid=77, cpu_percent=50.0, rss_bytes=90 * MB, rss_last_bytes=70 * MB, gone_s=None
    )


def test_what_is_gone_uses_nothing_and_is_told() -> None:
    assert process(
        moment(1.0, target=target(80 * MB)),
        moment(2.0, target=target(0, alive=False)),
        moment(3.0, target=target(0, alive=False)),
    ) == TargetProcess(
        pid=77, cpu_percent=50.0, rss_bytes=80 * MB, rss_last_bytes=80 * MB, gone_s=2.0
    )


def test_before_sending_there_is_no_figure_of_cpu() -> None:
    found = process(moment(1.0, phase="connecting", target=target(80 * MB)))
    assert found is not None
    assert found.cpu_percent is None


def test_where_no_process_was_named_there_is_none() -> None:
    assert process(moment(1.0)) is None
