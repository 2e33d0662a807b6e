"""A camera to be killed: serves clips over RTSP. Runs under the system's Python, which has GStreamer's bindings.

usage: /usr/bin/python3 rtsp_camera.py PORT CLIP                  the clip's H.264 under /live
       /usr/bin/python3 rtsp_camera.py PORT PATH=LAUNCH …         pipelines under their paths, all of them live
       … --login NAME:PASSWORD                                    asks for them (digest)
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - versions must be required first

Gst.init(None)
arguments = sys.argv[1:]
login = None
if "--login" in arguments:
    at = arguments.index("--login")
    login = arguments[at + 1]
    del arguments[at : at + 2]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(arguments[0])
if login is not None:
    name, _, password = login.partition(":")
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(name, password, token)
    server.set_auth(auth)
for argument in arguments[1:]:
    path, _, launch = argument.partition("=") if argument.startswith("/") and "=" in argument else ("/live", "", "")
    if not launch:
        launch = f'filesrc location="{argument}" ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96'
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {launch} )")
    factory.set_shared("is-live=true" in launch)  # a camera has one encoder, whoever looks on
    if login is not None:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
        permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory(path, factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
