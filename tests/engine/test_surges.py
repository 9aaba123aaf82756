from surgewire.engine.shared import SURGE_OF_RETURNS, SharedRegion
from surgewire.engine.surges import SurgeBook, SurgeTotal, read_surges
from surgewire.plan.waves import Waves

WAVES = Waves(count=3, size=4, every_ns=100)


def books(region: SharedRegion, waves: Waves | None = WAVES) -> list[SurgeBook]:
    users = 0 if waves is None else waves.users
    return [
        SurgeBook(part.surges, waves, range(worker, users, region.workers))
        for worker, part in enumerate(region.slices)
    ]


def test_the_workers_rows_add_up() -> None:
    region = SharedRegion(2)
    first, second = books(region)
    assert read_surges(region.slices) == []
    for book in (first, second):
        book.start(1_000)
    first.came(0, 1_010)
    second.came(1, 1_050)
    first.came(2, 1_030)
    second.came(11, 1_250)
    assert read_surges(region.slices) == [
        SurgeTotal(0, users=4, came=3, planned_ns=1_000, last_ns=1_050),
        SurgeTotal(1, users=4, came=0, planned_ns=1_100, last_ns=0),
        SurgeTotal(2, users=4, came=1, planned_ns=1_200, last_ns=1_250),
    ]


def test_those_that_come_back_have_a_row_of_their_own() -> None:
    region = SharedRegion(2)
    first, second = books(region, None)
    first.came(0, 5)
    first.leave(3, 2_000)
    second.leave(0, 2_000)
    first.came_back(2_100)
    first.came_back(2_050)
    assert read_surges(region.slices) == [
        SurgeTotal(SURGE_OF_RETURNS, users=3, came=2, planned_ns=2_000, last_ns=2_100)
    ]
