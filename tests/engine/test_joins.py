from surgewire.engine.joins import Joins


def test_who_waits_too_long_is_told_of_once() -> None:
    joins: Joins[str] = Joins(100)
    joins.ask("a", 0)
    joins.ask("b", 50)
    assert list(joins.overdue(99)) == []
    assert list(joins.overdue(100)) == ["a"]
    assert list(joins.overdue(149)) == []
    assert len(joins) == 1
    assert list(joins.overdue(150)) == ["b"]
    assert len(joins) == 0


def test_who_has_its_answer_waits_no_more() -> None:
    joins: Joins[str] = Joins(100)
    joins.ask("a", 0)
    assert joins.settle("a")
    assert not joins.settle("a")
    assert list(joins.overdue(1000)) == []


def test_one_that_is_overdue_may_settle_another() -> None:
    joins: Joins[str] = Joins(100)
    for asker in "abc":
        joins.ask(asker, 0)
    told = []
    for asker in joins.overdue(100):
        told.append(asker)
        joins.settle("b")
    assert told == ["a", "c"]
