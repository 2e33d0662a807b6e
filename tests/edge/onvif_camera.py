"""A camera that speaks ONVIF: a SOAP server in a thread of the test, with logins checked as WS-Security has them."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

NAME, PASSWORD = "admin", "s3cret & <pa55>"

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error">'
    "<s:Body>{}</s:Body></s:Envelope>"
)
_FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">Sender not Authorized</s:Text></s:Reason></s:Fault>'
)


def _profile(token: str, name: str, width: int, height: int, kilobits: int) -> str:
    return (
        f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{name}</tt:Name>'
        f'<tt:VideoEncoderConfiguration token="enc-{token}"><tt:Name>{name}</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>"
        "</tt:Resolution><tt:Quality>5</tt:Quality><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit>"
        f"<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>{kilobits}</tt:BitrateLimit></tt:RateControl>"
        "<tt:H264><tt:GovLength>50</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>"
    )


class OnvifCamera:
    """Three streams; its clock is ten minutes off, and logins must be stamped with *its* time."""

    def __init__(self, *, garbage: bool = False) -> None:
        self.garbage = garbage
        self.asked: list[str] = []
        self._clock_off = timedelta(minutes=10)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def __enter__(self) -> OnvifCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: str) -> tuple[int, str]:
        """Status and body."""
        found = re.search(r"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", request)
        operation = found.group(1) if found else ""
        self.asked.append(operation)
        if self.garbage:
            return 200, "<html><body>It works!</body></html>"
        if operation == "GetSystemDateAndTime":
            return 200, _ENVELOPE.format(self._time())
        if not self._is_signed(request):
            return 400, _ENVELOPE.format(_FAULT)
        return 200, _ENVELOPE.format(self._body(operation, request))

    def _body(self, operation: str, request: str) -> str:
        here = f"http://127.0.0.1:{self.port}/onvif"
        if operation == "GetServices":
            version = "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version>"
            services = "".join(
                f"<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{name}/wsdl</tds:Namespace>"
                f"<tds:XAddr>{here}/{name}_service</tds:XAddr>{version}</tds:Service>"
                for name in ("device", "media")
            )
            return f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>"
        if operation == "GetDeviceInformation":
            return (
                "<tds:GetDeviceInformationResponse><tds:Manufacturer>Example</tds:Manufacturer>"
                "<tds:Model>Dome 5</tds:Model><tds:FirmwareVersion>1.2.3</tds:FirmwareVersion>"
                "<tds:SerialNumber>1</tds:SerialNumber><tds:HardwareId>5</tds:HardwareId>"
                "</tds:GetDeviceInformationResponse>"
            )
        if operation == "GetProfiles":
            profiles = (
                _profile("p2", "sub", 640, 360, 512)
                + _profile("p1", "main", 2560, 1440, 4096)
                + _profile("p3", "phone", 176, 144, 64)
            )
            return f"<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"
        token = re.search(r"ProfileToken>([^<]+)<", request)
        uri = f"rtsp://root:leaked@127.0.0.1:554/{token.group(1) if token else ''}"
        return (
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
            "<tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
        )

    def _time(self) -> str:
        now = datetime.now(UTC) + self._clock_off
        moment = (
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
            f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
        )
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
            f"<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>{moment}</tt:UTCDateTime>"
            "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _is_signed(self, request: str) -> bool:
        """WS-Security UsernameToken Profile 1.0: SHA-1 of nonce, time and password."""
        said = {
            tag: found.group(1)
            for tag in ("Username", "Password", "Nonce", "Created")
            if (found := re.search(rf"<(?:[\w-]+:)?{tag}[^>]*>([^<]+)<", request))
        }
        if len(said) < 4 or said["Username"] != NAME:
            return False
        made = base64.b64decode(said["Nonce"]) + said["Created"].encode() + PASSWORD.encode()
        created = datetime.fromisoformat(said["Created"].replace("Z", "+00:00"))
        late = abs(created - (datetime.now(UTC) + self._clock_off))
        digest = base64.b64encode(hashlib.sha1(made).digest()).decode()
        return digest == said["Password"] and late < timedelta(minutes=1)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                status, text = camera.answer(request)
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Nothing: pytest shows what matters."""

        return Handler
