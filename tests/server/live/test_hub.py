"""The hub: what streams carry, and that nothing is missed. On both databases."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from contract.ids import uuid7
from server.alerts.intake import take_in
from server.alerts.listing import list_alerts
from server.db import Database
from server.grids.model import EVERYWHERE
from server.live import feed
from server.live.hub import Frame, LiveHub, LiveTimes, encode
from server.live.tables import live_feed
from server.routing.context import RoutingContextProvider
from tests.server.small_city import EAST, NOON, OUTSIDE, WEST, hazard_event

QUICK = LiveTimes(poll=0.05, gather=0.01, keep_alive=0.2)
PATIENT = LiveTimes(poll=30.0, gather=0.01, keep_alive=30.0)
IN_THE_EAST = (113.655, 34.705)


class Writer:
    """Makes changes in the alerts of the small city."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.routing = RoutingContextProvider(database)

    def send(self, **fields) -> str:
        event = hazard_event(**fields)
        with self.database.write() as connection:
            return take_in(connection, self.routing.current(connection), event, NOON).alert_id


@pytest.fixture
def writer(city: Database) -> Writer:
    return Writer(city)


def always(scope: str) -> Callable[[], Awaitable[str | None]]:
    async def answer() -> str | None:
        return scope

    return answer


class Message:
    """One server-sent event."""

    def __init__(self, block: str) -> None:
        fields = dict(line.partition(": ")[::2] for line in block.split("\n") if not line.startswith(":"))
        self.id = int(fields["id"]) if "id" in fields else None
        self.event = fields.get("event")
        self.data = json.loads(fields["data"]) if "data" in fields else None


async def messages(chunks: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    """Splits a stream into its events, as a browser does."""
    rest = b""
    async for chunk in chunks:
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            yield Message(block.decode())


async def next_event(stream: AsyncIterator[Message], within: float = 10.0) -> Message:
    """The next one that has a name."""
    async with asyncio.timeout(within):
        while (message := await anext(stream)).event is None:
            pass
        return message


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


def test_a_change_reaches_a_stream_at_once_and_only_within_its_scope(writer: Writer) -> None:
    async def test() -> None:
        async with LiveHub(writer.database, PATIENT).running() as hub:
            west, east, root = (messages(hub.stream(None, always(scope))) for scope in (WEST, EAST, EVERYWHERE))
            for stream in (west, east, root):
                await anext(stream)  # connected
            first = await asyncio.to_thread(writer.send)
            second = await asyncio.to_thread(writer.send, source="east-1", at=IN_THE_EAST)
            third = await asyncio.to_thread(writer.send, source="lost", at=OUTSIDE)
            assert [(await next_event(root)).data["alert"]["id"] for _ in range(3)] == [first, second, third]
            assert (await next_event(west)).data["alert"]["id"] == first
            message = await next_event(east)
            assert message.event == "alert" and message.id == message.data["seq"] == 2
            assert message.data["alert"]["id"] == second

    run(test)


def test_a_commit_of_another_process_is_noticed_by_polling(writer: Writer) -> None:
    async def test() -> None:
        foreign = Writer(Database(writer.database.url.render_as_string(hide_password=False)))
        async with LiveHub(writer.database, QUICK).running() as hub:
            stream = messages(hub.stream(None, always(EVERYWHERE)))
            await anext(stream)
            alert_id = await asyncio.to_thread(foreign.send)
            assert (await next_event(stream)).data["alert"]["id"] == alert_id
        foreign.database.close()

    run(test)


def test_a_stream_goes_on_from_the_cursor_of_a_list(writer: Writer) -> None:
    async def test() -> None:
        before = writer.send()
        with writer.database.read() as connection:
            page = list_alerts(connection, EVERYWHERE, queue=None, is_open=True, limit=10, before=None)
        assert [alert.id for alert in page.alerts] == [before]
        between = writer.send(source="between")  # after the list, before the hub even started
        async with LiveHub(writer.database, PATIENT).running() as hub:
            stream = messages(hub.stream(page.cursor, always(EVERYWHERE)))
            assert (await next_event(stream)).data["alert"]["id"] == between

    run(test)


def test_silence_is_broken_by_comments_that_move_the_place_on(writer: Writer) -> None:
    async def test() -> None:
        async with LiveHub(writer.database, QUICK).running() as hub:
            stream = messages(hub.stream(None, always(EAST)))
            await anext(stream)
            await asyncio.to_thread(writer.send)  # in the west: not for this stream
            async with asyncio.timeout(10):
                while (message := await anext(stream)).id != 1:
                    pass
            assert message.event is None and message.data is None

    run(test)


def test_a_stream_ends_when_the_session_does(writer: Writer) -> None:
    async def test() -> None:
        answers: list[str | None] = [EVERYWHERE, EVERYWHERE, None]

        async def scope() -> str | None:
            return answers.pop(0)

        async with LiveHub(writer.database, QUICK).running() as hub:
            async with asyncio.timeout(10):
                received = [message async for message in messages(hub.stream(None, scope))]
            assert answers == [] and all(message.event is None for message in received)

    run(test)


def test_a_scope_that_changes_is_followed(writer: Writer) -> None:
    async def test() -> None:
        current = WEST

        async def scope() -> str | None:
            return current

        async with LiveHub(writer.database, QUICK).running() as hub:
            stream = messages(hub.stream(None, scope))
            await anext(stream)
            current = EAST
            await asyncio.sleep(2 * QUICK.keep_alive)
            reader = asyncio.create_task(next_event(stream))
            await asyncio.sleep(2 * QUICK.keep_alive)
            await asyncio.to_thread(writer.send)
            second = await asyncio.to_thread(writer.send, source="east-1", at=IN_THE_EAST)
            assert (await reader).data["alert"]["id"] == second

    run(test)


def test_closing_the_hub_ends_the_streams(writer: Writer) -> None:
    async def test() -> None:
        async with LiveHub(writer.database, PATIENT).running() as hub:
            reader = asyncio.create_task(_drain(hub.stream(None, always(EVERYWHERE))))
            await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await reader

    run(test)


def test_a_commit_at_the_moment_of_closing_does_not_keep_the_hub_alive(sqlite_url: str) -> None:
    database = Database(sqlite_url)

    async def test() -> None:
        for _ in range(100):
            async with LiveHub(database, PATIENT).running() as hub:
                await asyncio.sleep(0)
                hub._wake.set()  # what a commit does, in the same turn of the loop as the end of the block

    run(test)
    database.close()


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    async for _chunk in chunks:
        pass


class TestReset:
    """What cannot be caught up on is said, never skipped."""

    def test_a_place_that_was_pruned(self, writer: Writer) -> None:
        async def test() -> None:
            for number in range(5):
                writer.send(source=f"s{number}")
            with writer.database.write() as connection:
                connection.execute(
                    update(live_feed).where(live_feed.c.seq <= 3).values(created_at=NOON - timedelta(days=400))
                )
                assert feed.prune(connection, datetime.now(UTC)) == 3
            async with LiveHub(writer.database, PATIENT).running() as hub:
                gone = await next_event(messages(hub.stream(1, always(EVERYWHERE))))
                assert (gone.event, gone.id, gone.data) == ("reset", 5, {"seq": 5})
                kept = messages(hub.stream(3, always(EVERYWHERE)))
                assert [(await next_event(kept)).id for _ in range(2)] == [4, 5]

        run(test)

    def test_a_place_of_another_database(self, writer: Writer) -> None:
        async def test() -> None:
            writer.send()
            async with LiveHub(writer.database, PATIENT).running() as hub:
                stream = messages(hub.stream(999, always(EVERYWHERE)))
                assert (await next_event(stream)).data == {"seq": 1}
                await asyncio.to_thread(writer.send, source="next")
                assert (await next_event(stream)).id == 2

        run(test)

    def test_a_slow_stream_catches_up_from_the_database(self, writer: Writer) -> None:
        async def test() -> None:
            async with LiveHub(writer.database, PATIENT, frames_kept=4).running() as hub:
                stream = messages(hub.stream(None, always(EVERYWHERE)))
                await anext(stream)
                for number in range(40):
                    await asyncio.to_thread(writer.send, source=f"s{number}")
                seen = [await next_event(stream) for _ in range(40)]
                assert [message.id for message in seen] == list(range(1, 41))

        run(test)

    def test_a_slow_stream_that_was_overtaken_by_pruning(self, writer: Writer) -> None:
        async def test() -> None:
            async with LiveHub(writer.database, PATIENT, frames_kept=2).running() as hub:
                stream = messages(hub.stream(None, always(EVERYWHERE)))
                await anext(stream)
                for number in range(12):
                    await asyncio.to_thread(writer.send, source=f"s{number}")
                while hub._last < 12:
                    await asyncio.sleep(0.01)
                with writer.database.write() as connection:
                    feed.prune(connection, datetime.now(UTC), keep_rows=3)
                assert (await next_event(stream)).event == "reset"

        run(test)


def test_pruning_keeps_the_newest_row_and_its_number(writer: Writer) -> None:
    for number in range(3):
        writer.send(source=f"s{number}")
    with writer.database.write() as connection:
        assert feed.prune(connection, datetime.now(UTC) + timedelta(days=2)) == 2
        assert (feed.first_seq(connection), feed.last_seq(connection)) == (3, 3)
        assert feed.prune(connection, datetime.now(UTC), keep_rows=0) == 0
    writer.send(source="next")
    with writer.database.read() as connection:
        assert feed.last_seq(connection) == 4


def test_changes_of_one_alert_become_one_frame_for_everybody_they_concerned() -> None:
    changes = [
        feed.Change(1, "a", frozenset({"west"}), '{"n":1}'),
        feed.Change(2, "b", frozenset({"east"}), '{"n":2}'),
        feed.Change(3, "a", frozenset({"east"}), '{"n":3}'),
    ]
    assert encode(changes) == [
        Frame(2, frozenset({"east"}), b'id: 2\nevent: alert\ndata: {"seq":2,"alert":{"n":2}}\n\n'),
        Frame(3, frozenset({"west", "east"}), b'id: 3\nevent: alert\ndata: {"seq":3,"alert":{"n":3}}\n\n'),
    ]


def test_snapshot_then_follow_has_no_gap(writer: Writer) -> None:
    """Writers hammer; clients take a list, follow from its cursor, drop out at random and resume. All end the same."""
    random_source = random.Random(7)

    async def test() -> None:
        async with LiveHub(writer.database, LiveTimes(poll=0.5, gather=0.005), frames_kept=20).running() as hub:
            done = asyncio.Event()
            clients = [
                asyncio.create_task(_client(hub, writer.database, done, random.Random(random_source.random())))
                for _ in range(6)
            ]
            await asyncio.gather(*(asyncio.to_thread(_hammer, writer, number) for number in range(3)))
            done.set()
            states = await asyncio.gather(*clients)
        with writer.database.read() as connection:
            page = list_alerts(connection, EVERYWHERE, queue=None, is_open=True, limit=200, before=None)
        truth = {alert.id: alert.model_dump(mode="json") for alert in page.alerts}
        assert len(truth) == 3 * 12
        for state in states:
            assert state == truth

    run(test)


def _hammer(writer: Writer, number: int) -> None:
    """120 changes to 12 alerts, in transactions of several."""
    episodes = {f"w{number}-{place}": uuid7(NOON) for place in range(12)}
    revision = dict.fromkeys(episodes, 0)
    order = random.Random(number)
    names = [*episodes, *order.choices([*episodes], k=108)]
    while names:
        with writer.database.write() as connection:
            context = writer.routing.current(connection)
            for name in [names.pop(0) for _ in range(min(len(names), order.randint(1, 4)))]:
                revision[name] += 1
                phase = "opened" if revision[name] == 1 else "updated"
                event = hazard_event(
                    source=name, episode=episodes[name], revision=revision[name], phase=phase, seconds=revision[name]
                )
                take_in(connection, context, event, NOON + timedelta(seconds=revision[name]))
        threading.Event().wait(order.random() * 0.01)


async def _client(hub: LiveHub, database: Database, done: asyncio.Event, chance: random.Random) -> dict[str, dict]:
    """A browser: the list, then the stream; now and then it loses the stream and resumes where it was."""
    await asyncio.sleep(chance.random() * 0.3)

    def snapshot() -> tuple[dict[str, dict], int]:
        with database.read() as connection:
            page = list_alerts(connection, EVERYWHERE, queue=None, is_open=True, limit=200, before=None)
        return {alert.id: alert.model_dump(mode="json") for alert in page.alerts}, page.cursor

    state, cursor = await asyncio.to_thread(snapshot)
    while True:
        budget = chance.randint(1, 25)
        async with aclosing(hub.stream(cursor, always(EVERYWHERE))) as chunks:
            stream = messages(chunks)
            try:
                while budget > 0:
                    message = await next_event(stream, within=0.6)
                    assert message.event == "alert"
                    cursor = message.id or cursor
                    state[message.data["alert"]["id"]] = message.data["alert"]
                    budget -= 1
            except TimeoutError:
                if done.is_set():
                    return state
        await asyncio.sleep(chance.random() * 0.05)
