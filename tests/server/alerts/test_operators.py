"""What operators do: claim, release, judge; over HTTP, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from contract.ids import uuid7
from server.accounts.schemas import Role
from server.alerts.intake import take_in
from server.alerts.tables import alerts
from server.audit import service as audit
from server.db import Database
from tests.server.conftest import Person, make_person
from tests.server.small_city import (
    BY_THE_STREET_BORDER,
    EAST,
    NOON,
    NORTH_WEST,
    OUTSIDE,
    ROOT,
    SOUTH_EAST,
    SOUTH_WEST,
    WEST,
    hazard_event,
)


@pytest.fixture
def second(app: FastAPI, client: TestClient) -> Person:
    """A colleague of `operator` with the same scope."""
    return make_person(app, "zhao", Role.OPERATOR)


@pytest.fixture(autouse=True)
def _founded(city: Database) -> None:
    """Every test here has the small city."""


@pytest.fixture
def send(app: FastAPI):
    """Takes an event in; returns its alert's id."""

    def take(received=NOON, **fields) -> str:
        with app.state.database.write() as connection:
            context = app.state.routing.current(connection)
            return take_in(connection, context, hazard_event(**fields), received).alert_id

    return take


def act(person: Person, alert_id: str, verb: str, **body):
    return person.client.post(f"/api/v1/alerts/{alert_id}/{verb}", json=body, headers=person.headers)


def shown(person: Person, alert_id: str) -> dict:
    answer = person.client.get(f"/api/v1/alerts/{alert_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def entries(database: Database, alert_id: str) -> list[dict]:
    with database.read() as connection:
        return audit.list_entries(connection, subject=f"alert:{alert_id}", after=0, limit=100)


def expire_lease(database: Database, alert_id: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with database.write() as connection:
        connection.execute(alerts.update().where(alerts.c.id == alert_id).values(claim_expires_at=past))


def test_claim_then_confirm_is_told_and_audited(operator: Person, send, database: Database) -> None:
    alert_id = send()
    claimed = act(operator, alert_id, "claim", version=1).json()
    assert (claimed["state"], claimed["claimed_by"], claimed["version"]) == ("claimed", "Li", 2)
    until = datetime.fromisoformat(claimed["claim_expires_at"])
    assert timedelta(0) < until - datetime.now(UTC) <= timedelta(seconds=120)
    judged = act(operator, alert_id, "verdict", version=2, verdict="confirmed", comment=" seen from the window ").json()
    assert (judged["state"], judged["version"], judged["claimed_by"]) == ("confirmed", 3, None)
    assert judged["verdict"]["by"] == "Li" and judged["verdict"]["comment"] == "seen from the window"
    assert [entry["action"] for entry in judged["history"]] == ["opened", "claimed", "confirmed"]
    assert judged["history"][-1]["text_zh"] == "确认属实(seen from the window)"
    log = entries(database, alert_id)
    assert [(entry["actor"], entry["action"]) for entry in log] == [
        ("device:box-1", "alert.open"),
        ("li", "alert.claim"),
        ("li", "alert.confirm"),
    ]
    assert log[-1]["before"]["state"] == "claimed" and log[-1]["after"]["verdict"]["verdict"] == "confirmed"
    assert log[-1]["request_id"]
    with database.read() as connection:
        assert audit.verify(connection).ok


def test_anothers_lease_is_respected_and_named(operator: Person, second: Person, send) -> None:
    alert_id = send()
    assert act(operator, alert_id, "claim", version=1).status_code == 200
    for verb, body in (("claim", {}), ("release", {}), ("verdict", {"verdict": "confirmed"})):
        answer = act(second, alert_id, verb, version=2, **body)
        assert answer.status_code == 409, verb
        problem = answer.json()
        assert "Li holds this alert until 20" in problem["detail"]
        assert problem["current"]["claimed_by"] == "Li" and problem["current"]["version"] == 2


def test_the_holder_extends_the_lease(operator: Person, send) -> None:
    alert_id = send()
    first = act(operator, alert_id, "claim", version=1).json()
    second = act(operator, alert_id, "claim", version=2).json()
    assert second["version"] == 3 and second["claim_expires_at"] > first["claim_expires_at"]
    assert [entry["action"] for entry in second["history"]] == ["opened", "claimed", "renewed"]


def test_an_expired_lease_is_free_and_shows_as_free(operator: Person, second: Person, send, database: Database) -> None:
    alert_id = send()
    act(operator, alert_id, "claim", version=1)
    expire_lease(database, alert_id)
    free = shown(second, alert_id)
    assert (free["state"], free["claimed_by"], free["claim_expires_at"]) == ("queued", None, None)
    assert act(operator, alert_id, "release", version=2).status_code == 409
    taken = act(second, alert_id, "claim", version=2)
    assert taken.status_code == 200 and taken.json()["claimed_by"] == "Zhao"


def test_release_gives_the_alert_back(operator: Person, second: Person, send) -> None:
    alert_id = send()
    act(operator, alert_id, "claim", version=1)
    released = act(operator, alert_id, "release", version=2).json()
    assert (released["state"], released["claimed_by"], released["version"]) == ("queued", None, 3)
    assert act(second, alert_id, "claim", version=3).status_code == 200


def test_a_verdict_on_an_alert_that_nobody_holds_needs_no_claim(operator: Person, send) -> None:
    alert_id = send()
    answer = act(operator, alert_id, "verdict", version=1, verdict="rejected", reason="weather")
    assert answer.status_code == 200
    assert answer.json()["verdict"] == {
        "verdict": "rejected",
        "reason": "weather",
        "comment": None,
        "by": "Li",
        "at": answer.json()["verdict"]["at"],
    }
    assert answer.json()["history"][-1]["text_zh"] == "驳回:天气"


def test_unsure_stays_open_for_others(operator: Person, second: Person, send) -> None:
    alert_id = send()
    act(operator, alert_id, "claim", version=1)
    unsure = act(operator, alert_id, "verdict", version=2, verdict="unsure").json()
    assert (unsure["state"], unsure["claimed_by"]) == ("unsure", None)
    listed = second.client.get("/api/v1/alerts").json()["alerts"]
    assert [(alert["id"], alert["state"]) for alert in listed] == [(alert_id, "unsure")]
    assert act(second, alert_id, "claim", version=3).json()["state"] == "claimed"
    assert act(second, alert_id, "release", version=4).json()["state"] == "unsure"
    assert act(second, alert_id, "verdict", version=5, verdict="confirmed").json()["state"] == "confirmed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verdict": "rejected"}, "reason"),
        ({"verdict": "confirmed", "reason": "test"}, "reason"),
        ({"verdict": "rejected", "reason": "boredom"}, "reason"),
        ({"verdict": "merged"}, "verdict"),
        ({"verdict": "confirmed", "extra": 1}, "extra"),
        ({"verdict": "confirmed", "comment": "x" * 2001}, "comment"),
    ],
)
def test_a_verdict_that_makes_no_sense_names_its_field(operator: Person, send, body, field: str) -> None:
    alert_id = send()
    answer = act(operator, alert_id, "verdict", version=1, **body)
    assert answer.status_code == 422 and answer.json()["field"] == field
    assert shown(operator, alert_id)["version"] == 1


def test_a_stale_version_is_refused_with_the_current_state(operator: Person, second: Person, send) -> None:
    alert_id = send()
    act(operator, alert_id, "verdict", version=1, verdict="unsure")
    answer = act(second, alert_id, "claim", version=1)
    assert answer.status_code == 409 and answer.json()["current"]["version"] == 2


def test_a_closed_alert_takes_no_more_acts(operator: Person, second: Person, send) -> None:
    alert_id = send()
    act(operator, alert_id, "verdict", version=1, verdict="confirmed")
    answer = act(second, alert_id, "verdict", version=2, verdict="rejected", reason="test")
    assert answer.status_code == 409 and "confirmed already by Li" in answer.json()["detail"]


def test_updates_of_the_device_do_not_spoil_a_claim(operator: Person, send) -> None:
    episode = uuid7(NOON)
    alert_id = send(episode=episode)
    for revision in range(2, 6):
        send(episode=episode, revision=revision, phase="updated", seconds=revision)
    assert act(operator, alert_id, "claim", version=1).status_code == 200


def test_eight_operators_claim_and_one_wins(app: FastAPI, client: TestClient, send, database: Database) -> None:
    people = [make_person(app, f"operator{number}", Role.OPERATOR) for number in range(8)]
    for round_number in range(3):
        alert_id = send(source=f"gate-{round_number}")
        start = threading.Barrier(len(people))
        statuses: dict[str, int] = {}

        def race(person: Person, start=start, statuses=statuses, alert_id=alert_id) -> None:
            start.wait()
            statuses[person.username] = act(person, alert_id, "claim", version=1).status_code

        threads = [threading.Thread(target=race, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert sorted(statuses.values()) == [200] + [409] * 7
        winner = next(name for name, status in statuses.items() if status == 200)
        with database.read() as connection:
            row = connection.execute(select(alerts).where(alerts.c.id == alert_id)).one()
        assert (row.claimed_by, row.version) == (winner.title(), 2)
        assert [entry["actor"] for entry in entries(database, alert_id)] == ["device:box-1", winner]


class TestScope:
    """An account sees its grid and all below, and nothing else exists for it."""

    def test_what_lies_elsewhere_is_not_found(self, app: FastAPI, client: TestClient, send) -> None:
        eastern = make_person(app, "east", Role.OPERATOR, EAST)
        alert_id = send()
        assert eastern.client.get(f"/api/v1/alerts/{alert_id}").status_code == 404
        for verb, body in (("claim", {}), ("release", {}), ("verdict", {"verdict": "confirmed"})):
            assert act(eastern, alert_id, verb, version=1, **body).status_code == 404
        assert eastern.client.get("/api/v1/alerts").json()["alerts"] == []
        assert eastern.client.get(f"/api/v1/alerts?queue={SOUTH_WEST}").json()["alerts"] == []
        assert [queue["code"] for queue in eastern.client.get("/api/v1/queues").json()["queues"]] == [EAST]

    @pytest.mark.parametrize(
        ("scope", "sees"), [(ROOT, 1), (WEST, 1), (SOUTH_WEST, 1), (NORTH_WEST, 0), ("4101990", 0)]
    )
    def test_scope_is_a_grid_not_a_prefix_of_text(
        self, app: FastAPI, client: TestClient, send, scope: str, sees: int
    ) -> None:
        person = make_person(app, "scoped", Role.OPERATOR, scope)
        send()
        assert len(person.client.get("/api/v1/alerts").json()["alerts"]) == sees

    def test_the_catch_all_belongs_to_the_root(self, app: FastAPI, client: TestClient, operator: Person, send) -> None:
        western = make_person(app, "west", Role.OPERATOR, WEST)
        alert_id = send(at=OUTSIDE)
        assert shown(operator, alert_id)["queue"] == "catch-all"
        assert western.client.get(f"/api/v1/alerts/{alert_id}").status_code == 404
        assert "catch-all" not in {queue["code"] for queue in western.client.get("/api/v1/queues").json()["queues"]}

    def test_a_neighbour_may_judge_a_border_alert(self, app: FastAPI, client: TestClient, send) -> None:
        eastern = make_person(app, "east", Role.OPERATOR, EAST)
        alert_id = send(at=BY_THE_STREET_BORDER, accuracy_m=60)
        assert act(eastern, alert_id, "verdict", version=1, verdict="confirmed").status_code == 200


class TestQueues:
    def test_queues_show_what_waits_with_the_grids_above(self, operator: Person, second: Person, send) -> None:
        send(source="a")
        held = send(source="b", severity="yellow", started=NOON - timedelta(hours=1))
        send(source="c", at=OUTSIDE)
        act(second, held, "claim", version=1)
        answer = operator.client.get("/api/v1/queues").json()
        queues = {queue["code"]: queue for queue in answer["queues"]}
        assert list(queues) == [ROOT, WEST, SOUTH_WEST, "catch-all"]
        waiting = queues[SOUTH_WEST]
        assert (waiting["open"], waiting["claimed"], waiting["red"]) == (2, 1, 1)
        assert datetime.fromisoformat(waiting["oldest_at"]) == NOON - timedelta(hours=1)
        assert queues[ROOT]["open"] == 0 and queues[ROOT]["oldest_at"] is None
        assert (queues["catch-all"]["open"], queues["catch-all"]["layer"]) == (1, "catch_all")
        assert answer["cursor"] == 4

    def test_all_queues_on_request(self, operator: Person) -> None:
        assert len(operator.client.get("/api/v1/queues").json()["queues"]) == 2
        everything = operator.client.get("/api/v1/queues?include_empty=true").json()["queues"]
        assert len(everything) == 1 + 2 + 4 + 16 + 1 + 1

    def test_a_border_alert_counts_in_both_queues(self, operator: Person, send) -> None:
        send(at=BY_THE_STREET_BORDER, accuracy_m=60)
        queues = {queue["code"]: queue["open"] for queue in operator.client.get("/api/v1/queues").json()["queues"]}
        assert queues[SOUTH_WEST] == queues[SOUTH_EAST] == 1

    def test_a_verdict_empties_the_queue(self, operator: Person, send) -> None:
        act(operator, send(), "verdict", version=1, verdict="confirmed")
        queues = operator.client.get("/api/v1/queues").json()["queues"]
        assert [queue["open"] for queue in queues] == [0, 0]


class TestPages:
    def test_red_first_then_newest_and_pages_meet_without_gap(self, operator: Person, send) -> None:
        made = []
        for number in range(23):
            severity = ("red", "yellow", "blue")[number % 3]
            started = NOON + timedelta(seconds=number // 6)  # several at the same moment
            received = NOON + timedelta(hours=1)
            made.append((severity, started, send(received, source=f"s{number}", severity=severity, started=started)))
        seen, token = [], None
        while True:
            query = {"limit": 5} | ({"before": token} if token else {})
            page = operator.client.get("/api/v1/alerts", params=query).json()
            seen += page["alerts"]
            token = page["next"]
            if token is None:
                break
            assert len(page["alerts"]) == 5
        rank = {"red": 0, "yellow": 1, "blue": 2}
        expected = sorted(made, key=lambda item: (rank[item[0]], -item[1].timestamp()))
        assert [(alert["severity"], alert["opened_at"]) for alert in seen] == [
            (severity, started.isoformat().replace("+00:00", "Z")) for severity, started, _ in expected
        ]
        assert {alert["id"] for alert in seen} == {alert_id for _, _, alert_id in made}

    def test_a_grid_with_all_below_it(self, app: FastAPI, client: TestClient, operator: Person, send) -> None:
        west, border, lost = (
            send(source="a"),
            send(source="b", at=BY_THE_STREET_BORDER, accuracy_m=60),
            send(at=OUTSIDE),
        )
        drain = send(source="c", hazard="water_level")  # the street's own queue

        def ids(person: Person, within: str) -> set[str]:
            answer = person.client.get("/api/v1/alerts", params={"within": within})
            return {alert["id"] for alert in answer.json()["alerts"]}

        assert ids(operator, WEST) == {west, border, drain}
        assert ids(operator, SOUTH_WEST) == {west, border}
        assert ids(operator, EAST) == {border}
        assert ids(operator, ROOT) == {west, border, drain, lost}, "the root has the catch-all"
        eastern = make_person(app, "east", Role.OPERATOR, EAST)
        assert ids(eastern, ROOT) == ids(eastern, WEST) == {border}
        both = operator.client.get("/api/v1/alerts", params={"within": WEST, "queue": WEST})
        assert both.status_code == 422 and both.json()["field"] == "within"

    def test_closed_alerts_are_listed_newest_first(self, operator: Person, send) -> None:
        ids = []
        for number, severity in enumerate(("red", "blue", "yellow")):
            alert_id = send(
                NOON + timedelta(hours=1), source=f"s{number}", severity=severity,
                started=NOON + timedelta(minutes=number),
            )  # fmt: skip
            act(operator, alert_id, "verdict", version=1, verdict="confirmed")
            ids.append(alert_id)
        closed = operator.client.get("/api/v1/alerts?state=closed").json()["alerts"]
        assert [alert["id"] for alert in closed] == ids[::-1]
        assert operator.client.get("/api/v1/alerts").json()["alerts"] == []

    @pytest.mark.parametrize("token", ["x", "bnVsbA", "WzEsMl0", "é", "[" * 200, "WzEsIjIwMjYtMDEtMDEiLCJhIl0"])
    def test_a_forged_page_token_is_refused(self, operator: Person, token: str) -> None:
        answer = operator.client.get("/api/v1/alerts", params={"before": token})
        assert answer.status_code == 422 and answer.json()["field"] == "before"

    def test_a_page_uses_the_listing_index(self, sqlite_url: str) -> None:
        from sqlalchemy import event

        from server.alerts.listing import list_alerts

        database, plans = Database(sqlite_url), []
        with database.read() as connection:

            @event.listens_for(connection, "before_cursor_execute")
            def explain(conn, cursor, statement, parameters, context, many):
                if "FROM alert_places" in statement and not statement.startswith("EXPLAIN"):
                    plans.extend(cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())

            token = list_alerts(connection, "*", queue=None, is_open=True, limit=5, before=None).next
            assert token is None
        text = " | ".join(str(plan[3]) for plan in plans)
        assert "ix_alert_places_listing" in text and "TEMP B-TREE" not in text, text
        database.close()
