"""A farm of cameras: many RTSP mounts whose pictures are already encoded, and that misbehave on command.

Runs under the system's Python, which has GStreamer's bindings (gir1.2-gst-rtsp-server-1.0).

usage: /usr/bin/python3 rtsp_farm.py PORT NAME=FILE@FPS …     ("NAME=FILE@FPS@USER:PASSWORD" asks for a login)

FILE holds access units as `tests.edge.hardship.farm` writes them: 4 bytes length, 1 byte flags (1: key frame), data.
The farm loops over them for ever. It says `ready` once it listens and answers every line on stdin with a JSON line:

  counts                     access units sent by each mount to clients that play
  pause NAME|*               sends nothing more; the connection stays
  resume NAME|*              goes on, and ends garbage and missing key frames
  garbage NAME               random bytes inside the slices
  without-keys NAME          leaves key frames out, and keeps what says how to decode the others
  switch NAME FILE           goes on with another file at its next key frame, so with another picture size
  hang-up NAME               ends the mount's media as a restarting camera does
"""

import json
import random
import struct
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions must be required first

TICK_MS = 5
KEY = 1


def access_units(path):
    """[(is key frame, bytes)] of a file."""
    with open(path, "rb") as file:  # noqa: PTH123 - a script of the system's Python
        content = file.read()
    units, at = [], 0
    while at < len(content):
        length, flags = struct.unpack_from(">IB", content, at)
        units.append((bool(flags & KEY), content[at + 5 : at + 5 + length]))
        at += 5 + length
    return units


def spoiled(unit, source):
    """The unit with its slices' content replaced: NAL headers stay, so that it travels."""
    pieces = unit.split(b"\x00\x00\x01")
    for number, piece in enumerate(pieces):
        if len(piece) > 40 and piece[0] & 31 in {1, 5}:
            # 0xff in front of each byte: no start code may come about by chance.
            noise = source.randbytes(len(piece) // 2)
            pieces[number] = piece[:2] + b"".join(b"\xff" + noise[i : i + 1] for i in range(len(noise) - 1))
    return b"\x00\x00\x01".join(pieces)


def parameters(unit):
    """The unit's parameter sets alone (NAL types 7 and 8)."""
    pieces = unit.split(b"\x00\x00\x01")
    return b"".join(b"\x00\x00\x01" + piece.rstrip(b"\x00") for piece in pieces if piece and piece[0] & 31 in {7, 8})


class Mount:
    """One camera."""

    def __init__(self, name, path, fps, login):
        self.name = name
        self.units = access_units(path)
        self.interval = 1 / fps
        self.login = login
        self.position = 0
        self.due = None
        self.appsrc = None
        self.media = None
        self.playing = False
        self.sent = 0
        self.paused = False
        self.garbage = False
        self.without_keys = False
        self.next_units = None
        self.held = b""
        self.random = random.Random(name)
        self.lock = threading.Lock()

    def configure(self, _factory, media):
        """The first client has come: a new pipeline. Called in its client's thread, as is `gone`."""
        media.set_reusable(False)
        with self.lock:
            self.media = media
            self.appsrc = media.get_element().get_by_name("source")
            self.position = 0
            self.due = None
            self.playing = False
        # Not by asking for its status: that waits until the media is prepared, and we are who it waits for.
        media.connect("new-state", self.changed)
        media.connect("unprepared", self.gone)

    def changed(self, media, state):
        """The media plays, or does so no more."""
        if media is self.media:
            self.playing = state == Gst.State.PLAYING

    def gone(self, media):
        """The last client has left."""
        with self.lock:
            if media is self.media:
                self.media = self.appsrc = None
                self.playing = False

    def step(self, now):
        """Sends what is due."""
        with self.lock:
            if self.appsrc is None:
                return
            if self.due is None:
                self.due = now
            while self.due <= now:
                self.due += self.interval
                if not self.paused:
                    self.offer(self.appsrc)

    def offer(self, appsrc):
        """One access unit; stamped by its arrival."""
        is_key, data = self.units[self.position]
        if is_key and self.next_units is not None:
            self.units, self.next_units, self.position = self.next_units, None, 0
            is_key, data = self.units[0]
        self.position = (self.position + 1) % len(self.units)
        if is_key and self.without_keys:
            self.held = parameters(data)
            return
        data, self.held = self.held + data, b""
        if self.garbage:
            data = spoiled(data, self.random)
        appsrc.emit("push-buffer", Gst.Buffer.new_wrapped(data))
        self.sent += self.playing

    def factory(self):
        """What the server makes a client's media from."""
        made = GstRtspServer.RTSPMediaFactory()
        made.set_launch(
            "( appsrc name=source is-live=true format=time do-timestamp=true "
            "caps=video/x-h264,stream-format=byte-stream,alignment=au ! rtph264pay name=pay0 pt=96 )"
        )
        made.set_shared(True)
        made.connect("media-configure", self.configure)
        return made


class Farm:
    """The server and its mounts."""

    def __init__(self, port, mounts):
        self.mounts = {mount.name: mount for mount in mounts}
        self.loop = GLib.MainLoop()
        self.server = GstRtspServer.RTSPServer()
        self.server.set_address("127.0.0.1")
        self.server.set_service(port)
        # One thread for all, as is the default, waits with him who asks for what stalls; cameras know of no others.
        self.server.get_thread_pool().set_max_threads(-1)
        self.protect(mounts)
        points = self.server.get_mount_points()
        for mount in mounts:
            factory = mount.factory()
            roles = GstRtspServer.RTSPPermissions()
            # Who may see that a mount is there, but not open it, is asked for a login; others get "not found".
            roles.add_permission_for_role("anyone", "media.factory.access", True)
            for right in ("media.factory.access", "media.factory.construct"):
                roles.add_permission_for_role(mount.name if mount.login else "anyone", right, True)
            factory.set_permissions(roles)
            points.add_factory(f"/{mount.name}", factory)
        if not self.server.attach(None):
            raise SystemExit(f"port {port} is taken")
        GLib.timeout_add(TICK_MS, self.tick)
        GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.command)

    def protect(self, mounts):
        if not any(mount.login for mount in mounts):
            return
        auth = GstRtspServer.RTSPAuth()
        nobody = GstRtspServer.RTSPToken()
        nobody.set_string("media.factory.role", "anyone")
        auth.set_default_token(nobody)
        for mount in mounts:
            if mount.login:
                token = GstRtspServer.RTSPToken()
                token.set_string("media.factory.role", mount.name)
                auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*mount.login.split(":", 1)), token)
        self.server.set_auth(auth)

    def tick(self):
        now = time.monotonic()
        for mount in self.mounts.values():
            mount.step(now)
        return True

    def command(self, _fd, condition):
        line = sys.stdin.readline() if condition & GLib.IO_IN else ""
        if not line:
            self.loop.quit()
            return False
        verb, *rest = line.split()
        chosen = list(self.mounts.values()) if rest[:1] in ([], ["*"]) else [self.mounts[rest[0]]]
        for mount in chosen:
            self.obey(mount, verb, rest[1:])
        print(json.dumps({mount.name: mount.sent for mount in chosen}), flush=True)
        return True

    def obey(self, mount, verb, arguments):
        if verb == "pause":
            mount.paused = True
        elif verb == "resume":
            mount.paused = mount.garbage = mount.without_keys = False
        elif verb == "garbage":
            mount.garbage = True
        elif verb == "without-keys":
            mount.without_keys = True
        elif verb == "switch":
            mount.next_units = access_units(arguments[0])
        elif verb == "hang-up" and mount.appsrc is not None:
            mount.appsrc.emit("end-of-stream")
        elif verb not in {"counts", "hang-up"}:
            raise SystemExit(f"unknown command {verb}")


def mount_of(argument):
    """NAME=FILE@FPS or NAME=FILE@FPS@USER:PASSWORD."""
    name, rest = argument.split("=", 1)
    path, fps, *login = rest.split("@", 2)
    return Mount(name, path, float(fps), login[0] if login else None)


def main():
    Gst.init(None)
    farm = Farm(sys.argv[1], [mount_of(argument) for argument in sys.argv[2:]])
    print("ready", flush=True)
    farm.loop.run()


main()
