from surgewire.engine.kinds import CAPACITY
from surgewire.engine.way.facts import FactNames


def test_so_many_values_have_a_name_and_the_others_share_one() -> None:
    names = FactNames("source")
    given = [names.name(f"127.0.0.{number}") for number in range(100)]
    assert given[:2] == ["source_127.0.0.0", "source_127.0.0.1"]
    assert given[15] == "source_127.0.0.15"
    assert set(given[16:]) == {"source_others"}
    # Those that have a name keep it.
    assert [names.name(f"127.0.0.{number}") for number in range(100)] == given
    assert len(set(given)) * 3 < CAPACITY
