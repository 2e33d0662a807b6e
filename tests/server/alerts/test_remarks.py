"""What the device remarks on an episode reaches lists and details, and goes when the device takes it back."""

from __future__ import annotations

import pytest

from contract.events import Tier
from contract.ids import uuid7
from server.alerts.intake import take_in
from server.alerts.listing import alert_detail, list_alerts
from server.alerts.schemas import AlertDetail
from server.db import Database
from server.grids.model import EVERYWHERE
from server.routing.context import RoutingContextProvider
from tests.server.conftest import DeviceBox
from tests.server.small_city import NOON, hazard_event

DEMOTED = {"tier": "review", "demoted": "budget"}


class Line:
    """Events as ingest takes them in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.routing = RoutingContextProvider(database)

    def send(self, **fields) -> AlertDetail:
        with self.database.write() as connection:
            alert_id = take_in(connection, self.routing.current(connection), hazard_event(**fields), NOON).alert_id
        with self.database.read() as connection:
            detail = alert_detail(connection, alert_id, EVERYWHERE)
            [listed] = (alert for alert in list_alerts(connection, EVERYWHERE).alerts if alert.id == alert_id)
        assert (listed.demoted, listed.stale) == (detail.demoted, detail.stale), "the list says the same"
        return detail


@pytest.fixture
def line(city: Database, device: DeviceBox) -> Line:
    return Line(city)


def test_an_ordinary_alert_has_no_remarks(line: Line) -> None:
    shown = line.send()
    assert (shown.demoted, shown.stale) == (None, False)
    [episode] = shown.media_episodes
    assert (episode.demoted, episode.stale, episode.repeat_of, episode.quiet_repeats) == (None, False, None, None)


def test_the_first_event_may_say_all_of_it(line: Line) -> None:
    earlier = uuid7(NOON)
    shown = line.send(**DEMOTED, stale=True, repeat_of=earlier, quiet_repeats=3)
    assert (shown.tier, shown.demoted, shown.stale) == (Tier.REVIEW, "budget", True)
    [episode] = shown.media_episodes
    assert (episode.demoted, episode.stale, episode.repeat_of, episode.quiet_repeats) == ("budget", True, earlier, 3)


def test_a_later_revision_adds_and_takes_back(line: Line) -> None:
    episode = uuid7(NOON)
    assert line.send(episode=episode, **DEMOTED).stale is False
    assert line.send(episode=episode, revision=2, phase="updated", seconds=1, stale=True, **DEMOTED).stale is True
    shown = line.send(episode=episode, revision=3, phase="updated", seconds=2, stale=True)
    assert (shown.tier, shown.demoted, shown.stale) == (Tier.ALARM, None, True)
    old = line.send(episode=episode, revision=2, phase="updated", seconds=1, **DEMOTED)
    assert (old.demoted, old.stale) == (None, True), "an older revision changes nothing"


def test_one_alarm_among_its_episodes_makes_it_an_alarm_and_the_demoted_one_says_so_alone(line: Line) -> None:
    alarm = uuid7(NOON)
    assert line.send(**DEMOTED).demoted == "budget"
    both = line.send(episode=alarm, seconds=1)
    assert (both.tier, both.demoted, both.episodes) == (Tier.ALARM, None, 2)
    assert sorted(episode.demoted or "" for episode in both.media_episodes) == ["", "budget"]
    left = line.send(episode=alarm, revision=2, phase="cleared", seconds=2)
    assert (left.tier, left.demoted) == (Tier.REVIEW, "budget"), "the demoted one is what goes on"


def test_a_stale_episode_that_is_over_marks_no_fresh_one(line: Line) -> None:
    old = uuid7(NOON)
    assert line.send(episode=old, stale=True).stale is True
    assert line.send(seconds=1).stale is True
    assert line.send(episode=old, revision=2, phase="cleared", seconds=2, stale=True).stale is False
