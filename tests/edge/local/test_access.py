"""Nothing but health is served to a stranger; the owner has a token, or a cookie and the request key."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from edge.config.local import LocalSettings
from edge.config.text import MAX_CONFIG_BYTES
from edge.local.access import WRONG_A_MINUTE, AccessError, Owner, WrongTokens, host_is_ours
from edge.local.app import local_app
from edge.local.guard import COOKIE_NAME, OPEN_PATHS, REQUEST_KEY_HEADER
from tests.edge.local.box import WrittenBox
from tests.edge.local.conftest import Served


def all_routes(tmp_path: Path) -> list[tuple[str, str]]:
    """Every (method, path) of the application, with its parameters filled in."""
    app = local_app(LocalSettings(), Owner(tmp_path), WrittenBox(), tmp_path)
    found = []
    for route in app.routes:
        assert isinstance(route, Route), "a mount would hide its routes from this walk"
        path = route.path.replace("{source_id}", "gate-3").replace("{canary_id}", "c1")
        found += [(method, path) for method in sorted(route.methods or ())]
    return found


def test_a_stranger_sees_health_and_nothing_else(served: Served, tmp_path: Path) -> None:
    walked = all_routes(tmp_path)
    assert len(walked) > 20
    seen = set()
    with served.stranger() as client:
        for method, path in [*walked, ("GET", "/nowhere"), ("GET", "/static/../app.py"), ("DELETE", "/api/config")]:
            answer = client.request(method, path)
            seen.add(path)
            if path in OPEN_PATHS:
                assert answer.status_code == 200, (method, path)
                continue
            assert answer.status_code in {401, 403, 404}, (method, path, answer.status_code)
            assert "box-17" not in answer.text, "not even its name"
            assert "gate-3" not in answer.text
            assert COOKIE_NAME not in answer.headers.get("set-cookie", "")
        assert seen >= {"/metrics", "/api/box", "/api/config", "/static/app.js", "/", "/api/sources/gate-3/still"}
    assert served.box.calls == []
    assert served.box.applied == []


def test_the_owner_reaches_every_route(served: Served, tmp_path: Path) -> None:
    (tmp_path / "inference.json").write_text("{}")
    config = tmp_path / "edge.yaml"
    config.write_text("sources: {}")
    served.box.now = replace(served.box.now, config=replace(served.box.now.config, path=str(config)))
    with served.owner() as client:
        for method, path in all_routes(tmp_path):
            content = '{"do": "status"}' if path.endswith("/signals") else WrittenBox.GOOD
            answer = client.request(method, path, content=content if method == "POST" else None)
            if path.endswith(("/signals/plan", "/signals/save")):
                assert answer.status_code == 422, "reached: test_signals.py says what they take"
                continue
            if path == "/sign-in":
                assert answer.status_code == 401, "the form wants the token itself"
                continue
            assert answer.status_code in {200, 204}, (method, path, answer.text)
        assert client.get("/nowhere").status_code == 404


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer x", "bearer wrong-wrong-wrong-wrong", "Basic eDp5", "Bearer ünïcode", "token"],
    ids=range(6),
)
def test_wrong_tokens(served: Served, header: str) -> None:
    with served.stranger() as client:
        answer = client.get("/api/box", headers={"Authorization": header.encode()})
    assert answer.status_code == 401
    assert served.token not in answer.text


def test_a_cookie_changes_nothing_without_the_request_key(served: Served) -> None:
    with served.browser() as client:
        assert client.get("/api/box").status_code == 200
        assert client.post("/api/config", content=WrittenBox.GOOD).status_code == 403
        wrong = {REQUEST_KEY_HEADER: "0" * 64}
        assert client.post("/api/config", content=WrittenBox.GOOD, headers=wrong).status_code == 403
        key = {REQUEST_KEY_HEADER: client.get("/api/session").json()["request_key"]}
        foreign = {**key, "Origin": "http://evil.example"}
        assert client.post("/api/config", content=WrittenBox.GOOD, headers=foreign).status_code == 403
        cross = {**key, "Sec-Fetch-Site": "cross-site"}
        assert client.post("/api/config", content=WrittenBox.GOOD, headers=cross).status_code == 403
        assert served.box.applied == []
        assert client.post("/api/config", content=WrittenBox.GOOD, headers=key).status_code == 200
    assert served.box.applied == [WrittenBox.GOOD]


def test_a_request_key_belongs_to_its_cookie(served: Served) -> None:
    with served.browser() as one, served.browser() as other:
        key = {REQUEST_KEY_HEADER: one.get("/api/session").json()["request_key"]}
        assert other.post("/api/config", content=WrittenBox.GOOD, headers=key).status_code == 403


def test_the_cookie_is_for_this_browser_only(served: Served) -> None:
    with served.stranger() as client:
        wrong = client.post("/sign-in", data={"token": "wrong"})
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
        attributes = client.post("/sign-in", data={"token": served.token}).headers["set-cookie"].lower()
    assert "httponly" in attributes
    assert "samesite=strict" in attributes
    assert served.token.lower() not in attributes


def test_another_name_for_the_loopback_is_refused(served: Served) -> None:
    """DNS rebinding: a foreign page whose name points here can ask, but not as us."""
    with served.owner() as client:
        for host in ("evil.example", "evil.example:8790", "localhost.evil.example", "", "127.0.0.1.evil.example"):
            for path in ("/healthz", "/api/box", "/"):
                assert client.get(path, headers={"Host": host}).status_code in {400, 403}, (host, path)
        assert client.get("/healthz", headers={"Host": "localhost:1"}).status_code == 200


@given(st.text(max_size=40))
def test_only_addresses_and_our_names_are_ours(host: str) -> None:
    names = frozenset({"box.example"})
    if host_is_ours(host, names):
        bare = host.strip().lower().rpartition(":")[0] or host.strip().lower()
        assert any(sign.isdigit() or sign == ":" for sign in host) or "localhost" in bare or "box.example" in bare


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8790", "[::1]:8790", "::1", "LOCALHOST:1", "box.example:443"])
def test_our_names(host: str) -> None:
    assert host_is_ours(host, frozenset({"box.example"}))


def test_wrong_tokens_are_limited_and_cookies_are_not(served: Served) -> None:
    with served.browser() as signed_in, served.stranger() as guesser:
        statuses = [
            guesser.get("/api/box", headers={"Authorization": f"Bearer guess-{number}"}).status_code
            for number in range(WRONG_A_MINUTE + 3)
        ]
        assert statuses[:WRONG_A_MINUTE] == [401] * WRONG_A_MINUTE
        assert set(statuses[WRONG_A_MINUTE:]) == {429}
        assert guesser.post("/sign-in", data={"token": "guess"}).status_code == 429
        assert guesser.get("/api/box", headers=served.bearer).status_code == 429, "a right one is not told apart"
        assert signed_in.get("/api/box").status_code == 200
        assert guesser.get("/readyz").status_code == 200


def test_the_limit_is_a_minute_and_bounded() -> None:
    now = 0.0
    wrong = WrongTokens(2, monotonic=lambda: now)
    for _ in range(2):
        assert not wrong.must_wait("a")
        wrong.add("a")
    assert wrong.must_wait("a")
    assert not wrong.must_wait("b")
    for number in range(3000):
        wrong.add(f"many-{number}")
    now = 61.0
    assert not wrong.must_wait("a")
    assert not wrong.must_wait("many-2999")


def test_browsers_are_bound_by_headers(served: Served) -> None:
    with served.browser() as client, served.stranger() as stranger:
        for answer in (client.get("/"), client.get("/api/box"), stranger.get("/"), client.get("/nowhere")):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
        page = client.get("/").text
    assert "<style" not in page
    assert "onclick" not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/app.js"></script>') == 1


def test_the_token_is_made_once_and_for_one_reader(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    owner.load()
    token = owner.path.read_text().strip()
    assert len(token) >= 43, "256 bits"
    assert stat.S_IMODE(owner.path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [owner.path]
    again = Owner(tmp_path)
    again.load()
    assert again.knows_token(token)
    assert again.knows_session(owner.new_session()), "cookies outlive a restart of the program"


def test_a_new_token_ends_the_old_one_and_its_cookies(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    owner.load()
    token, cookie = owner.path.read_text().strip(), owner.new_session()
    assert owner.knows_session(cookie)
    owner.path.unlink()
    assert not owner.knows_token(token)
    assert not owner.knows_session(cookie)
    assert owner.knows_token(owner.path.read_text().strip())


def test_a_token_that_others_can_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "local.token"
    path.write_text("written-by-hand-but-long-enough\n")
    path.chmod(0o644)
    owner = Owner(tmp_path)
    owner.load()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert owner.knows_token("written-by-hand-but-long-enough")


@pytest.mark.parametrize("content", ["", "short\n", "   \n"])
def test_a_bad_token_file_makes_nobody_the_owner(tmp_path: Path, content: str) -> None:
    (tmp_path / "local.token").write_text(content)
    owner = Owner(tmp_path)
    with pytest.raises(AccessError, match="at least 20"):
        owner.load()
    assert not owner.knows_token(content.strip())
    assert not owner.knows_token("")
    assert not owner.knows_session(owner.new_session())


def test_cookies_expire_and_cannot_be_forged(tmp_path: Path) -> None:
    now = 1000.0
    owner = Owner(tmp_path, wall_seconds=lambda: now)
    owner.load()
    cookie = owner.new_session()
    expires, nonce, signature = cookie.split(".")
    assert not owner.knows_session(f"{int(expires) + 999}.{nonce}.{signature}")
    assert not owner.knows_session(f"{expires}.{nonce}.{'0' * len(signature)}")
    now = float(expires)
    assert not owner.knows_session(cookie)


@given(st.text(max_size=80))
def test_garbage_is_nobody(tmp_path_factory: pytest.TempPathFactory, garbage: str) -> None:
    owner = Owner(tmp_path_factory.getbasetemp())
    assert not owner.knows_session(garbage)
    assert not owner.knows_request_key("cookie", garbage)
    assert not owner.knows_token(garbage)


def test_large_bodies_are_refused(served: Served) -> None:
    with served.owner() as client:
        assert client.post("/api/config/plan", content=b"x" * (MAX_CONFIG_BYTES + 1)).status_code == 413
    with served.stranger() as client:
        assert client.post("/sign-in", content=b"token=" + b"x" * 100_000).status_code == 413


def test_errors_hold_no_credentials(served: Served) -> None:
    with served.owner() as client:
        answer = client.get("/api/sources/tower-2/still")
    assert answer.status_code == 503
    assert "s3cret" not in answer.text
    assert "10.0.0.7" in answer.text, "who holds the token may know which camera it is"


def test_sign_out(served: Served) -> None:
    with served.browser() as client:
        key = {REQUEST_KEY_HEADER: client.get("/api/session").json()["request_key"]}
        assert client.post("/sign-out", headers=key).status_code == 204
        assert client.get("/api/box").status_code == 401


def test_the_form_speaks_the_browsers_language(served: Served) -> None:
    with served.stranger() as client:
        assert "令牌" in client.get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).text
        assert "Token" in client.get("/", headers={"Accept-Language": "fr, en-GB"}).text
        assert httpx.get(f"{served.url}/").status_code == 401
