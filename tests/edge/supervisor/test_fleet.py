"""What the service manager's watchdog hangs on: whether every process lives or waits for its turn."""

from __future__ import annotations

import os
import selectors
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.supervisor.board import Board
from edge.supervisor.fleet import START_SLACK_SECONDS, Fleet, Inherited
from edge.supervisor.post import Post
from edge.supervisor.reload import load
from edge.supervisor.restarts import RestartLimit
from edge.view import ChildKind, ChildState
from edge.worker.bell import new_bell
from tests.edge.supervisor.running import clip, configuration

LIMIT = RestartLimit(5, 300.0)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    path = configuration(tmp_path, {"a": clip("nowhere.mp4")})
    bell = new_bell()
    with selectors.DefaultSelector() as selector:
        yield Fleet(selector, Inherited(bell, bell), Board(), load(path), str(path))
    os.close(bell)


def put(fleet: Fleet, post: Post) -> Post:
    fleet._posts[post.name] = post
    return post


def test_a_post_that_waits_for_its_turn_is_sound_and_one_that_missed_it_is_not(fleet: Fleet) -> None:
    post = put(fleet, Post("cameras-1", ChildKind.CAMERAS))
    for _ in range(6):
        post.fell("ended by SIGSEGV", 1000.0, LIMIT)
    assert post.state is ChildState.WAITING
    assert post.start_at == 1000.0 + LIMIT.window_seconds
    assert fleet.is_sound(1001.0)
    assert fleet.is_sound(post.start_at + START_SLACK_SECONDS - 1)
    assert not fleet.is_sound(post.start_at + START_SLACK_SECONDS + 1)


def test_a_child_that_cannot_be_killed_is_not_sound(fleet: Fleet) -> None:
    post = put(fleet, Post("cameras-1", ChildKind.CAMERAS))
    post.killed_at = 1000.0
    post.start_at = float("inf")
    assert fleet.is_sound(1010.0)
    assert not fleet.is_sound(1016.0)


def test_a_pause_of_the_supervisor_is_nobodys_silence(fleet: Fleet) -> None:
    post = put(fleet, Post("cameras-1", ChildKind.CAMERAS))
    post.heard_at, post.spawned_at, post.kill_at = 1000.0, 900.0, 2000.0
    assert post.silent_seconds(1020.0) == 20
    fleet.allow(19.0)
    assert post.silent_seconds(1020.0) == 1
    assert post.kill_at == 2019.0
