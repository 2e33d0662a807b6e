"""Asks a camera by ONVIF for its streams: profiles, addresses, sizes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from edge.sources.errors import SourceError, redact_url

TIMEOUT_SECONDS = 20.0
"""For all questions together: small cameras answer each in up to a second, and sign every answer."""
_STREAM_SETUP = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
MIN_SUB_HEIGHT = 200
"""Smaller streams are for telephones: no detector can use them."""


@dataclass(frozen=True, slots=True)
class OnvifProfile:
    """One of the camera's streams. None: the camera does not say."""

    name: str
    token: str
    uri: str
    """Without credentials, even where the camera puts them in."""
    encoding: str
    width: int | None
    height: int | None
    fps: float | None
    group_frames: int | None
    bits_per_second: float | None


@dataclass(frozen=True, slots=True)
class OnvifDevice:
    """A camera and its streams, the largest first."""

    host: str
    port: int
    maker: str
    model: str
    firmware: str
    profiles: tuple[OnvifProfile, ...]

    @property
    def main(self) -> OnvifProfile | None:
        """The stream for evidence."""
        return next((profile for profile in self.profiles if profile.uri), None)

    @property
    def sub(self) -> OnvifProfile | None:
        """The smallest stream that is still of use, if there is one beside `main`."""
        main = self.main
        useful = [
            profile
            for profile in self.profiles
            if main is not None
            and profile.uri
            and profile.uri != main.uri
            and profile.height is not None
            and MIN_SUB_HEIGHT <= profile.height < (main.height or 0)
        ]
        return useful[-1] if useful else None


def look_up(host: str, port: int, username: str | None, password: str) -> OnvifDevice:
    """The camera's streams.

    Raises:
        SourceError: it cannot be reached, is no ONVIF camera, or refuses the login.
    """
    try:
        return asyncio.run(asyncio.wait_for(_asked(host, port, username, password), TIMEOUT_SECONDS))
    except TimeoutError:
        raise SourceError(
            f"onvif://{host}:{port}: no answer within {TIMEOUT_SECONDS:.0f} s; check host and port (80, 8080, 8899)"
        ) from None


async def _asked(host: str, port: int, username: str | None, password: str) -> OnvifDevice:
    # Late: SOAP is slow to import, and its library sets up logging for everybody when it is.
    handlers = list(logging.getLogger().handlers)
    import aiohttp
    import zeep.exceptions
    from onvif import ONVIFCamera, ONVIFError

    logging.getLogger().handlers[:] = handlers
    logging.getLogger("onvif").setLevel(logging.ERROR)
    logging.getLogger("zeep").setLevel(logging.ERROR)
    # adjust_time: a camera whose clock is off refuses logins that are stamped with ours.
    camera = ONVIFCamera(host, port, username or "", password, no_cache=True, adjust_time=True)
    where = f"onvif://{host}:{port}"
    try:
        return await _device(camera, host, port)
    except (ONVIFError, zeep.exceptions.Error, aiohttp.ClientError, OSError) as error:
        raise SourceError(_said(where, error)) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{where}: its answers are not as ONVIF has them ({type(error).__name__})") from None
    finally:
        await camera.close()


def _said(where: str, error: Exception) -> str:
    from onvif.util import is_auth_error

    text = redact_url(str(error) or type(error).__name__)[:200]
    lowered = text.lower()
    if is_auth_error(error) or "not authorized" in lowered or "unauthorized" in lowered:
        return f"{where}: the camera refuses the login ({text}); check the ONVIF user, which many makers keep apart"
    return f"{where}: the camera cannot be asked: {text}; check host and port, and that ONVIF is turned on"


async def _device(camera: Any, host: str, port: int) -> OnvifDevice:
    await camera.update_xaddrs()
    management = await camera.create_devicemgmt_service()
    information = await management.GetDeviceInformation()
    media = await camera.create_media_service()
    found = []
    for profile in await media.GetProfiles():
        answer = await media.GetStreamUri({"StreamSetup": _STREAM_SETUP, "ProfileToken": profile.token})
        found.append(_profile(profile, str(answer.Uri or "").strip()))
    found.sort(key=lambda each: (each.width or 0) * (each.height or 0), reverse=True)
    return OnvifDevice(
        host=host,
        port=port,
        maker=str(information.Manufacturer or ""),
        model=str(information.Model or ""),
        firmware=str(information.FirmwareVersion or ""),
        profiles=tuple(found),
    )


def _profile(profile: Any, uri: str) -> OnvifProfile:
    encoder = profile.VideoEncoderConfiguration
    size = getattr(encoder, "Resolution", None)
    rate = getattr(encoder, "RateControl", None)
    h264 = getattr(encoder, "H264", None)
    kilobits = getattr(rate, "BitrateLimit", None)
    return OnvifProfile(
        name=str(profile.Name or ""),
        token=str(profile.token),
        uri=_without_credentials(uri),
        encoding=str(getattr(encoder, "Encoding", "") or ""),
        width=getattr(size, "Width", None),
        height=getattr(size, "Height", None),
        fps=getattr(rate, "FrameRateLimit", None),
        group_frames=getattr(h264, "GovLength", None),
        bits_per_second=None if kilobits is None else kilobits * 1000.0,
    )


def _without_credentials(uri: str) -> str:
    scheme, separator, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"
