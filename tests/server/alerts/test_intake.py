"""Intake: what events make of alerts, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from contract.ids import uuid7
from server.alerts.intake import IntakeResult, insert_open_alert, take_in
from server.alerts.listing import alert_detail, list_alerts
from server.alerts.schemas import AlertDetail, AlertSummary
from server.alerts.tables import alert_places, alerts, episodes
from server.db import Database
from server.grids.model import CATCH_ALL, EVERYWHERE
from server.live.tables import live_feed
from server.routing.context import RoutingContextProvider
from tests.server.small_city import (
    BY_THE_STREET_BORDER,
    EAST,
    IN_MARKET,
    MARKET,
    NOON,
    OUTSIDE,
    ROOT,
    SOUTH_EAST,
    SOUTH_WEST,
    WEST,
    hazard_event,
)


class Intake:
    """Takes events in as the writer does, a transaction each."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.routing = RoutingContextProvider(database)

    def __call__(self, received=NOON, **fields) -> IntakeResult:
        event = hazard_event(**fields)
        with self.database.write() as connection:
            return take_in(connection, self.routing.current(connection), event, received)

    def detail(self, alert_id: str) -> AlertDetail:
        with self.database.read() as connection:
            return alert_detail(connection, alert_id, EVERYWHERE)

    def listed(self, scope: str = EVERYWHERE, queue: str | None = None, is_open: bool = True) -> list[AlertSummary]:
        with self.database.read() as connection:
            return list_alerts(connection, scope, queue=queue, is_open=is_open, limit=100, before=None).alerts


@pytest.fixture
def intake(city: Database) -> Intake:
    return Intake(city)


def test_a_first_event_opens_an_alert_in_its_queue_and_says_why(intake: Intake) -> None:
    result = intake()
    assert result.created and not result.stale
    detail = intake.detail(result.alert_id)
    assert (detail.queue, detail.state, detail.version) == (SOUTH_WEST, "queued", 1)
    assert detail.matter is not None and detail.matter.code == "05-96"
    assert detail.unit is not None and detail.unit.co_units == ["POLICE", "URBAN"]
    assert [step.outcome for step in detail.explanation.steps] == [
        "matter_found",
        "in_grid",
        "prohibited",
        "responsible",
    ]
    assert detail.explanation.grid_version == detail.explanation.list_version == 1
    assert [entry.action for entry in detail.history] == ["opened"]
    assert "Grid 410199001001" in detail.history[0].text_en and "网格410199001001" in detail.history[0].text_zh
    assert [(episode.revision, episode.phase) for episode in detail.media_episodes] == [(1, "opened")]
    assert (detail.hazard_zh, detail.hazard_en) == ("高空抛物", "Thrown or fallen object")


@pytest.mark.parametrize(
    ("fields", "queue"),
    [
        ({"hazard": "ghost"}, CATCH_ALL),
        ({"at": OUTSIDE}, CATCH_ALL),
        ({"at": IN_MARKET}, MARKET),
        ({"hazard": "water_level", "at": IN_MARKET}, WEST),
        ({"hazard": "signal_dark"}, ROOT),
    ],
    ids=["unknown hazard", "outside every grid", "special grid wins", "special grid ignored", "only the root answers"],
)
def test_the_queue_follows_hazard_and_place(intake: Intake, fields, queue: str) -> None:
    assert intake.detail(intake(**fields).alert_id).queue == queue


def test_an_unknown_hazard_keeps_its_slug_as_its_name(intake: Intake) -> None:
    detail = intake.detail(intake(hazard="ghost").alert_id)
    assert detail.matter is None and detail.hazard_zh == detail.hazard_en == "ghost"


def test_revisions_of_an_episode_bring_its_alert_up_to_date(intake: Intake) -> None:
    episode = uuid7(NOON)
    first = intake(episode=episode)
    later = NOON + timedelta(seconds=9)
    second = intake(received=later, episode=episode, revision=2, phase="cleared", seconds=7, confidence=0.95)
    assert (second.alert_id, second.created, second.stale) == (first.alert_id, False, False)
    detail = intake.detail(first.alert_id)
    assert (detail.phase, detail.confidence, detail.episodes, detail.version) == ("cleared", 0.95, 1, 1)
    assert detail.ended_at == detail.observed_at == NOON + timedelta(seconds=7)
    assert (detail.created_at, detail.received_at) == (NOON, later)
    assert detail.state == "queued", "what is over still awaits its verdict"
    assert [entry.action for entry in detail.history] == ["opened", "cleared"]


@pytest.mark.parametrize("revision", [1, 2])
def test_a_revision_that_is_not_newer_changes_nothing(intake: Intake, revision: int) -> None:
    episode = uuid7(NOON)
    alert_id = intake(episode=episode, revision=2, phase="cleared", seconds=5).alert_id
    before = intake.detail(alert_id)
    with intake.database.read() as connection:
        feed_before = connection.execute(select(func.count()).select_from(live_feed)).scalar_one()
    result = intake(episode=episode, revision=revision, confidence=0.1, severity="blue", at=OUTSIDE)
    assert result == IntakeResult(stale=True, alert_id=alert_id, created=False)
    assert intake.detail(alert_id) == before
    with intake.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(live_feed)).scalar_one() == feed_before


def test_out_of_order_arrivals_end_like_ordered_ones(intake: Intake) -> None:
    orders = {"in-order": (1, 2, 3), "mixed": (2, 3, 1), "backwards": (3, 2, 1)}
    ends = []
    for source, order in orders.items():
        episode = uuid7(NOON)
        for revision in order:
            phase = {1: "opened", 2: "updated", 3: "cleared"}[revision]
            alert_id = intake(
                source=source,
                episode=episode,
                revision=revision,
                phase=phase,
                seconds=revision,
                confidence=revision / 10,
            ).alert_id
        detail = intake.detail(alert_id)
        ends.append((detail.phase, detail.confidence, detail.observed_at, detail.ended_at, detail.episodes))
    assert ends[0] == ends[1] == ends[2]


def test_a_second_episode_joins_the_open_alert_and_the_worst_open_one_speaks(intake: Intake) -> None:
    mild, red = uuid7(NOON), uuid7(NOON)
    first = intake(episode=mild, severity="yellow", tier="review", confidence=0.9)
    second = intake(episode=red, severity="red", tier="alarm", confidence=0.4, seconds=3)
    assert second.alert_id == first.alert_id and not second.created
    detail = intake.detail(first.alert_id)
    assert (detail.severity, detail.tier, detail.confidence, detail.episodes) == ("red", "alarm", 0.9, 2)
    assert [entry.action for entry in detail.history] == ["opened", "joined", "raised"]
    assert intake.listed()[0].severity == "red"
    intake(episode=red, revision=2, phase="cleared", seconds=4, severity="red")
    detail = intake.detail(first.alert_id)
    assert (detail.severity, detail.tier, detail.phase) == ("yellow", "review", "updated")
    assert detail.ended_at is None


@pytest.mark.parametrize("other", [{"source": "gate-4"}, {"hazard": "fire"}, {"device": "box-2"}])
def test_another_source_hazard_or_device_is_another_alert(intake: Intake, other) -> None:
    assert intake().alert_id != intake(**other).alert_id


def test_a_device_cannot_touch_an_episode_of_another(intake: Intake) -> None:
    episode = uuid7(NOON)
    first = intake(episode=episode)
    second = intake(episode=episode, device="box-2", revision=9, severity="blue")
    assert second.created and second.alert_id != first.alert_id
    assert intake.detail(first.alert_id).severity == "red"


def test_a_clock_that_runs_ahead_does_not_put_an_alert_on_top_for_ever(intake: Intake) -> None:
    ahead = intake(source="ahead", started=NOON + timedelta(days=900))
    assert intake.detail(ahead.alert_id).opened_at == NOON


def test_a_closed_alert_stays_closed_but_a_new_episode_opens_another(intake: Intake) -> None:
    episode = uuid7(NOON)
    first = intake(episode=episode, severity="yellow")
    close(intake.database, first.alert_id)
    update = intake(episode=episode, revision=2, phase="cleared", severity="red", seconds=6, at=OUTSIDE)
    assert update.alert_id == first.alert_id
    closed = intake.detail(first.alert_id)
    assert (closed.state, closed.severity, closed.phase, closed.queue) == ("rejected", "yellow", "cleared", SOUTH_WEST)
    again = intake(seconds=60)
    assert again.created and again.alert_id != first.alert_id
    assert [alert.id for alert in intake.listed()] == [again.alert_id]


def close(database: Database, alert_id: str) -> None:
    """As a verdict would, without the people."""
    with database.write() as connection:
        connection.execute(alerts.update().where(alerts.c.id == alert_id).values(state="rejected"))
        connection.execute(
            alert_places.update().where(alert_places.c.alert_id == alert_id).values(is_open=False, rank=0)
        )


def test_a_disc_over_the_border_shows_in_both_queues(intake: Intake) -> None:
    alert_id = intake(at=BY_THE_STREET_BORDER, accuracy_m=60).alert_id
    detail = intake.detail(alert_id)
    assert detail.queue == SOUTH_WEST and detail.border_queues == [SOUTH_EAST]
    assert detail.explanation.steps[-1].outcome == "border_queue"
    for scope in (WEST, EAST, ROOT, SOUTH_EAST):
        assert [alert.id for alert in intake.listed(scope)] == [alert_id], scope
    assert intake.listed("410199002002") == []
    assert [alert.id for alert in intake.listed(EAST, queue=SOUTH_EAST)] == [alert_id]


def test_an_unclaimed_alert_follows_its_position_and_the_old_queue_hears_of_it(intake: Intake) -> None:
    episode = uuid7(NOON)
    alert_id = intake(episode=episode).alert_id
    east = (113.655, 34.705)
    intake(episode=episode, revision=2, phase="updated", at=east, seconds=1)
    detail = intake.detail(alert_id)
    assert (detail.queue, detail.version) == (SOUTH_EAST, 2)
    assert tuple(detail.location.point.coordinates) == east
    assert "rerouted" in [entry.action for entry in detail.history]
    assert intake.listed(WEST) == [] and [alert.id for alert in intake.listed(EAST)] == [alert_id]
    with intake.database.read() as connection:
        scopes = connection.execute(select(live_feed.c.scopes).order_by(live_feed.c.seq.desc()).limit(1)).scalar_one()
    assert {WEST, EAST} <= set(scopes)


def test_a_small_move_within_the_error_does_not_reroute(intake: Intake) -> None:
    episode = uuid7(NOON)
    alert_id = intake(episode=episode, at=(113.6399, 34.705), accuracy_m=50).alert_id
    intake(episode=episode, revision=2, phase="updated", at=(113.6401, 34.705), accuracy_m=50, seconds=1)
    assert intake.detail(alert_id).queue == SOUTH_WEST


def test_before_any_import_everything_goes_to_the_catch_all(database: Database) -> None:
    early = Intake(database)
    detail = early.detail(early().alert_id)
    assert (detail.queue, detail.explanation.grid_version, detail.matter) == (CATCH_ALL, None, None)
    assert early.listed(ROOT) == [], "no grid, no scope"


def test_newly_published_lists_are_used_by_the_next_event(intake: Intake, tmp_path) -> None:
    from server.matters.imports import import_matters
    from tests.server.small_city import RESPONSIBILITIES, write_lists

    assert intake.detail(intake(hazard="water_level").alert_id).queue == WEST
    changed = RESPONSIBILITIES.replace("05-06,*,1,WATER", "05-06,*,0,WATER")
    import_matters(intake.database, write_lists(tmp_path / "new", responsibilities=changed), force=True, actor="test")
    detail = intake.detail(intake(hazard="water_level", source="well-2").alert_id)
    assert (detail.queue, detail.explanation.list_version) == (ROOT, 2)


def test_the_index_alone_refuses_a_second_open_alert(intake: Intake) -> None:
    row_id = intake().alert_id
    with intake.database.write() as connection:
        row = connection.execute(select(alerts).where(alerts.c.id == row_id)).one()
        values = {**row._asdict(), "id": uuid7(NOON)}
        assert insert_open_alert(connection, values) is None
        assert insert_open_alert(connection, {**values, "state": "confirmed"}) is not None


def test_eight_writers_open_no_alert_twice(intake: Intake) -> None:
    """300 fingerprints, each sent by every writer in an episode of its own, in a different order."""
    sources = [f"camera-{number}" for number in range(300)]
    problems: list[BaseException] = []
    start = threading.Barrier(8)

    def write(number: int) -> None:
        own = sources[number * 37 :] + sources[: number * 37]
        start.wait()
        try:
            for place in range(0, len(own), 25):
                with intake.database.write() as connection:
                    context = intake.routing.current(connection)
                    for source in own[place : place + 25]:
                        take_in(connection, context, hazard_event(source=source, hazard="fire"), NOON)
        except BaseException as error:
            problems.append(error)

    run_all([threading.Thread(target=write, args=(number,)) for number in range(8)])
    assert problems == []
    with intake.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(alerts)).scalar_one() == 300
        assert connection.execute(select(func.count()).select_from(episodes)).scalar_one() == 2400
        assert set(connection.execute(select(alerts.c.episodes)).scalars()) == {8}


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive()
