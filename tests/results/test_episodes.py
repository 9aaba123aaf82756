"""Episodes: mass disconnects, found in the intervals."""

from typing import Any

import pytest

from surgewire.results.asked import Asked
from surgewire.results.episodes import MAX_EPISODES, STILL_S, Episode, Episodes, EpisodeWatch
from tests.results.chat_samples import CHAT_PLAN, moment, restart_run
from tests.results.samples import ECHO_PLAN, S, tally_of

RECONNECT = {"reconnect_min_ns": S, "reconnect_max_ns": 30 * S}
CHAT = Asked.from_plan({**CHAT_PLAN, **RECONNECT})


def episodes_of(
    seconds: list[dict[str, Any]], asked: Asked = CHAT, *, phase: str = "sending"
) -> Episodes:
    """Give what is found in seconds that follow a quiet one with 1,000 users."""
    watch = EpisodeWatch()
    watch.add(moment(10.0), asked)
    for place, values in enumerate(seconds):
        watch.add(moment(11.0 + place, phase=phase, **values), asked)
    return watch.episodes()


def cut(users: int, joined: int, **counters: int) -> dict[str, Any]:
    return {"joined": joined, "closed": {"close_1001": users}, "counters": counters}


def level(joined: int) -> dict[str, Any]:
    return {"joined": joined}


def test_a_restart() -> None:
    found = episodes_of(
        [
            level(1_000),
            cut(1_000, 0, lost_to_disconnect=40, lost=2),
            level(0),
            level(450),
            level(500),
            level(900),
            level(1_000),
            *[level(1_000)] * 10,
            cut(3, 997, lost_to_disconnect=9),
        ]
    )
    assert found.to_dict() == {
        "count": 1,
        "first": [
            {
                "began_s": 11.0,
                "before": 1_000,
                "cut_off": 1_000,
                "lowest": 0,
                "now": 1_000,
                "lost": 42,
                "half_back_s": 4.0,
                "most_back_s": 5.0,
                "all_back_s": 6.0,
            }
        ],
    }


def test_users_that_are_back_within_the_second() -> None:
    (found,) = episodes_of([cut(300, 1_000)]).first
    assert (found.cut_off, found.lowest, found.all_back_s) == (300, 1_000, 1.0)


def test_a_server_that_closes_one_after_the_other() -> None:
    slowly = [cut(30, 1_000 - 30 * n) for n in range(1, 5)]
    (found,) = episodes_of([*slowly, level(880), level(1_000)]).first
    assert (found.began_s, found.before, found.cut_off) == (10.0, 1_000, 120)
    assert (found.lowest, found.half_back_s, found.all_back_s) == (880, 6.0, 6.0)


def test_one_by_one_is_no_episode() -> None:
    assert episodes_of([cut(15, 1_000)] * 60).count == 0


def test_a_few_of_a_few_are_no_episode() -> None:
    watch = EpisodeWatch()
    watch.add(moment(1.0, 20), CHAT)
    watch.add(moment(2.0, 16, closed={"eof": 4}), CHAT)
    assert watch.episodes().count == 0


@pytest.mark.parametrize("kind", ["worker_died", "timeout_join"])
def test_what_the_target_has_no_part_in_is_no_episode(kind: str) -> None:
    assert episodes_of([{"joined": 500, "closed": {kind: 500}}]).count == 0


def test_who_is_cut_off_again_was_not_back() -> None:
    found = episodes_of(
        [cut(1_000, 0), level(1_000), cut(1_000, 0), level(0), level(700), level(1_000)]
    )
    (episode,) = found.first
    assert (episode.cut_off, episode.half_back_s, episode.all_back_s) == (2_000, 5.0, 6.0)


def test_two_restarts_far_enough_apart_are_two() -> None:
    once = [cut(1_000, 0), level(1_000), *[level(1_000)] * 5]
    found = episodes_of(once * 2)
    assert [episode.began_s for episode in found.first] == [10.0, 17.0]


def test_an_end_that_is_not_a_return_to_all() -> None:
    stuck = [level(0), level(960), *[level(960)] * int(STILL_S)]
    found = episodes_of([cut(1_000, 0), *stuck, *[level(960)] * 5, cut(960, 0), level(960)])
    first, second = found.first
    assert (first.most_back_s, first.all_back_s, first.now) == (3.0, None, 960)
    assert (second.before, second.all_back_s) == (960, 2.0)


def test_without_reconnects_an_episode_ends_when_it_is_quiet() -> None:
    asked = Asked.from_plan(CHAT_PLAN)
    found = episodes_of([cut(600, 400), *[level(400)] * 5, cut(100, 300), *[level(300)] * 5], asked)
    assert [(e.before, e.cut_off, e.half_back_s) for e in found.first] == [
        (1_000, 600, None),
        (400, 100, None),
    ]


def test_with_churn_a_few_may_be_away() -> None:
    asked = Asked.from_plan({**CHAT_PLAN, **RECONNECT, "churn_ppm": 50_000})
    (found,) = episodes_of([cut(1_000, 0), level(992)], asked).first
    assert found.all_back_s == 2.0
    (strict,) = episodes_of([cut(1_000, 0), level(992)]).first
    assert strict.all_back_s is None


def test_with_churn_an_episode_ends_though_users_come_and_go() -> None:
    asked = Asked.from_plan({**CHAT_PLAN, **RECONNECT, "churn_ppm": 50_000})
    coming_and_going = [level(700 + second % 5) for second in range(70)]
    found = episodes_of([cut(1_000, 0), *coming_and_going, cut(700, 0)], asked)
    assert found.count == 2


def test_in_an_echo_run_the_open_connections_count() -> None:
    asked = Asked.from_plan(ECHO_PLAN)
    (found,) = episodes_of([cut(500, 500)], asked).first
    assert (found.before, found.now) == (1_000, 500)


@pytest.mark.parametrize("phase", ["connecting", "draining", "closing"])
def test_other_phases_have_none(phase: str) -> None:
    assert episodes_of([cut(1_000, 0)], phase=phase).count == 0


def test_only_the_first_are_kept() -> None:
    once = [cut(1_000, 0), level(1_000), *[level(1_000)] * 5]
    found = episodes_of(once * (MAX_EPISODES + 7))
    assert (found.count, len(found.first)) == (MAX_EPISODES + 7, MAX_EPISODES)


def test_what_was_given_does_not_change_any_more() -> None:
    watch = EpisodeWatch()
    watch.add(moment(1.0), CHAT)
    watch.add(moment(2.0, 0, closed={"eof": 1_000}), CHAT)
    before = watch.episodes()
    watch.add(moment(3.0), CHAT)
    assert before.first[0].all_back_s is None
    assert watch.episodes().first[0].all_back_s == 2.0


def test_a_whole_run() -> None:
    result = tally_of(*restart_run()).result()
    assert result.episodes.first == (
        Episode(
            began_s=100.0,
            before=1_000,
            cut_off=1_000,
            lowest=0,
            now=1_000,
            lost=312,
            half_back_s=3.0,
            most_back_s=5.0,
            all_back_s=7.0,
        ),
    )
