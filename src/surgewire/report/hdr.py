"""The histograms of a run as an HdrHistogram interval log.

The format (version 1.3) is that of HdrHistogram's ``HistogramLogWriter``: one line for each metric
and interval, with the histogram in its V2 compressed encoding. Values in it are nanoseconds.
"""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime

from surgewire._core.histogram import Histogram
from surgewire.report.whole_file import whole_file
from surgewire.results.record import IntervalRecord, Record, StartRecord
from surgewire.results.sparse import SparseHistogram

_NS_PER_MS = 1_000_000
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


def write(records: Iterable[Record], path: str | os.PathLike[str]) -> None:
    """Write the histograms of all intervals to a file, or to standard output for ``-``.

    ``records`` are those of a journal, the start record before the intervals; events and the end
    are passed over. The file appears whole or not at all. Raises OSError when it cannot be written,
    ValueError when there is no start record or a histogram does not fit the layout.
    """
    with whole_file(path) as file:
        for line in lines(records):
            file.write(line + "\n")


def lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield the lines of the log; raise ValueError as ``write`` does."""
    begun = False
    for record in records:
        if isinstance(record, StartRecord):
            begun = True
            yield from _head(record)
        elif isinstance(record, IntervalRecord):
            if not begun:
                break
            for metric, sparse in record.histograms.items():
                yield _line(record, metric, sparse)
    if not begun:
        raise ValueError(
            "the run has no start record, so the instants of its intervals are unknown"
        )


def _head(start: StartRecord) -> Iterator[str]:
    try:
        moment = datetime.fromisoformat(start.started_at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(
            f"started_at is {start.started_at!r}; it must be like '2026-01-31T12:00:00Z'"
        )
    epoch_s = moment.timestamp()
    yield f"#[Surgewire {start.version}, run {start.run_id}: values in ns, Interval_Max in ms]"
    yield "#[Histogram log format version 1.3]"
    yield f"#[BaseTime: {epoch_s:.3f} (seconds since epoch)]"
    yield f"#[StartTime: {epoch_s:.3f} (seconds since epoch), {moment.isoformat()}]"
    yield _LEGEND


def _line(record: IntervalRecord, metric: str, sparse: SparseHistogram) -> str:
    try:
        histogram = Histogram.from_sparse(
            sparse.indices,
            sparse.counts,
            sparse.total_ns,
            sparse.clipped,
            sparse.min_ns,
            sparse.max_ns,
        )
    except ValueError as error:
        raise ValueError(f"interval at {record.at_s:.3f} s: {metric}: {error}") from None
    begin_s = max(0.0, record.at_s - record.length_s)
    # The maximum in the record is that of the run so far; this is the interval's own.
    max_ms = histogram.value_at_percentile(100) / _NS_PER_MS
    return f"Tag={metric},{begin_s:.3f},{record.length_s:.3f},{max_ms:.3f},{histogram.encode()}"
