"""What the server of ``streams`` does at each of its paths."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from tests.attack.servers import Behaviour, Connection
from tests.attack.video_files import video
from tests.edge.sources.media import grey_jpeg

MULTIPART = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=p\r\n\r\n"
_PICTURE = grey_jpeg(160, 120)
_BOMB = grey_jpeg(16_000, 16_000)
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
)


def part(jpeg: bytes, length: int | None = None) -> bytes:
    """Return one part of a multipart answer."""
    size = len(jpeg) if length is None else length
    return b"--p\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (size, jpeg)


def answer(content: bytes, kind: str = "text/html", status: str = "200 OK") -> bytes:
    """Return a whole answer over HTTP."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def sends(content: bytes) -> Behaviour:
    """Send ``content`` and close."""
    return lambda client: client.send(content)


def moves(status: int, to: str) -> Behaviour:
    """Redirect; "{port}" is the server's own."""

    def move(client: Connection) -> None:
        place = to.format(port=client.server.port)
        client.send(f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\n\r\n".encode())

    return move


def playlist(*lines: str) -> Behaviour:
    """Send a playlist of HLS; "{port}" is the server's own."""

    def send(client: Connection) -> None:
        head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n"
        items = "".join(f"#EXTINF:1.0,\n{line}\n" for line in lines)
        text = (head + items + "#EXT-X-ENDLIST\n").format(port=client.server.port)
        client.send(answer(text.encode(), "application/vnd.apple.mpegurl"))

    return send


def endlessly(again: bytes, pause: float = 0.0) -> Behaviour:
    """Send ``again`` again and again, until the other side leaves."""

    def send(client: Connection) -> None:
        while not client.ended and (not pause or client.pause(pause)):
            client.send(again)

    return send


def silent(client: Connection) -> None:
    """Say nothing, for ever."""
    client.pause(60)


def slowly(content: bytes) -> Behaviour:
    """Send a byte every tenth of a second."""

    def send(client: Connection) -> None:
        for byte in content:
            client.send(bytes([byte]))
            if not client.pause(0.1):
                return

    return send


def then(content: bytes, end: Behaviour) -> Behaviour:
    """Send ``content`` and do what ``end`` does."""

    def send(client: Connection) -> None:
        client.send(content)
        end(client)

    return send


def lives(frames: int, end: Behaviour) -> Behaviour:
    """Be a camera of 25 pictures a second for so many, and do what ``end`` does."""

    def send(client: Connection) -> None:
        client.send(MULTIPART)
        for _ in range(frames):
            client.send(part(_PICTURE))
            if not client.pause(0.04):
                return
        end(client)

    return send


def reset(client: Connection) -> None:
    """Close with a TCP reset."""
    client.reset()


def rtsp(**answers: bytes) -> Behaviour:
    """Answer RTSP by the method; "OPTIONS" is answered well, others not at all."""
    known = {"OPTIONS": b"RTSP/1.0 200 OK\r\nCSeq: %d\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n"}
    known |= answers

    def serve(client: Connection) -> None:
        for number in itertools.count(1):
            content = known.get(client.method.decode(errors="replace"))
            if content is None:
                silent(client)
                return
            client.send(content.replace(b"%d", b"%d" % number, 1))
            if not client.ask():
                return

    return serve


def described(sdp: str, head: str = "") -> bytes:
    """Return the answer to DESCRIBE."""
    length = f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n{head}\r\n"
    return f"RTSP/1.0 200 OK\r\nCSeq: %d\r\n{length}{sdp}".encode()


def _rtsp_status(status: str, head: str = "") -> bytes:
    return f"RTSP/1.0 {status}\r\nCSeq: %d\r\n{head}\r\n".encode()


def http_behaviours(other: int) -> Mapping[str, Behaviour]:
    """Return what happens at each path; ``other`` is the port of another server."""
    elsewhere = f"http://127.0.0.1:{other}/asked"
    moved = {
        "moved-301": moves(301, elsewhere),
        "moved-302": moves(302, elsewhere),
        "moved-303": moves(303, elsewhere),
        "moved-307": moves(307, elsewhere),
        "moved-308": moves(308, elsewhere),
        "moved-here": moves(302, "/live"),
        "moved-in-a-circle": moves(302, "/moved-in-a-circle"),
        "moved-to-a-file": moves(302, "file:///etc/passwd"),
        "moved-to-rtsp": moves(302, f"rtsp://127.0.0.1:{other}/asked"),
        "moved-to-a-name": moves(302, "http://no-such-host.invalid/"),
        "moved-nowhere": sends(b"HTTP/1.1 302 Found\r\n\r\n"),
        "moved-to-much": moves(302, "http://127.0.0.1/" + "x" * 50_000),
    }
    statuses = {
        str(code): sends(answer(b"<html>no</html>", status=f"{code} \x1b[2JNo"))
        for code in (400, 401, 403, 404, 407, 500, 503, 999)
    }
    page = b"<!DOCTYPE html><html><video src='x.mp4'></video></html>" * 200
    contents = {
        "nothing": sends(b""),
        "garbage": sends(bytes(range(256)) * 400),
        "endless-garbage": endlessly(bytes(range(256)) * 256),
        "endless-zeros": then(
            b"HTTP/1.1 200 OK\r\n\r\n", endlessly(bytes(65536))
        ),
        "half-a-status": sends(b"HTTP/1.1 200 O"),
        "page": sends(answer(page)),
        "empty-page": sends(answer(b"")),
        "endless-head": then(b"HTTP/1.1 200 OK\r\n", endlessly(b"X: " + b"y" * 99 + b"\r\n")),
        "endless-line": then(b"HTTP/1.1 200 OK\r\nX: ", endlessly(b"y" * 9999)),
        "endless-chunk": sends(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + page
        ),
        "wrong-chunk": sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n" + page),
        "negative-length": sends(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + page),
        "length-of-all": sends(
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n" + video("ts")
        ),
        "packed": sends(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08" + page),
        "silent": silent,
        "silent-head": then(b"HTTP/1.1 200 OK\r\n", silent),
        "silent-body": then(MULTIPART, silent),
        "slow": slowly(MULTIPART + part(_PICTURE)),
        "reset": reset,
        "half-a-video": sends(answer(video("ts")[:9000], "video/mp2t")),
        "a-video": sends(answer(video("mp4"), "video/mp4")),
        "cut-mp4": sends(answer(video("mp4")[:900], "video/mp4")),
        "cookies": sends(
            b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=%b; path=/\r\n" % (b"x" * 3000) * 300 + b"\r\n"
        ),
    }  # fmt: skip
    cameras = {
        "live": lives(10_000, silent),
        "stops": lives(8, silent),
        "ends": lives(8, sends(b"")),
        "is-reset": lives(8, reset),
        "becomes-noise": lives(8, endlessly(bytes(range(256)), 0.01)),
        "becomes-a-page": lives(8, sends(page)),
        "bomb": then(MULTIPART, endlessly(part(_BOMB), 0.2)),
        "becomes-a-bomb": lives(8, endlessly(part(_BOMB), 0.2)),
        "parts-of-nothing": then(MULTIPART, endlessly(part(b""), 0.01)),
        "parts-of-all": then(MULTIPART, sends(part(_PICTURE, (1 << 63) - 1))),
        "parts-of-2-gb": then(MULTIPART + part(b"", 2 << 30)[:-2], endlessly(bytes(1 << 16))),
        "parts-of-negative-length": then(MULTIPART, endlessly(part(_PICTURE, -1), 0.04)),
        "endless-part-head": then(MULTIPART, then(b"--p\r\n", endlessly(b"X: y\r\n"))),
        "no-boundary": sends(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n"
            + part(_PICTURE) * 40
        ),
    }
    lists = {
        "list": playlist(elsewhere),
        "list-of-files": playlist("file:///etc/passwd", "/etc/passwd"),
        "files.m3u8": playlist("file:///etc/passwd"),
        "paths.m3u8": playlist("/etc/passwd"),
        "circle.m3u8": playlist("circle.m3u8"),
        "empty.m3u8": playlist(),
        "many.m3u8": playlist(*["gone.ts"] * 5000),
        "concat": sends(answer(b"ffconcat version 1.0\nfile '/etc/passwd'\n", "text/plain")),
        "sdp": sends(answer(_SDP.encode(), "application/sdp")),
    }
    return {**moved, **statuses, **contents, **cameras, **lists}


def rtsp_behaviours(other: int) -> Mapping[str, Behaviour]:
    """Return what happens at each path; ``other`` is the port of another server."""
    many = _SDP + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" * 3000
    elsewhere = f"Location: rtsp://127.0.0.1:{other}/r-asked\r\n"
    sets = "a=fmtp:96 sprop-parameter-sets=" + "A" * 60_000 + "\r\n"
    found = {
        "r-silent": silent,
        "r-no-describe": rtsp(),
        "r-garbage": sends(bytes(range(256)) * 400),
        "r-endless": endlessly(b"RTSP/1.0 200 OK\r\nX: y\r\n"),
        "r-endless-line": endlessly(b"x" * 5000),
        "r-reset": reset,
        "r-http": sends(answer(b"<html>")),
        "r-moved": rtsp(DESCRIBE=_rtsp_status("302 Moved", elsewhere)),
        "r-length-of-all": rtsp(
            DESCRIBE=b"RTSP/1.0 200 OK\r\nCSeq: %d\r\nContent-Length: 2147483647\r\n\r\nv=0\r\n"
        ),
        "r-length-negative": rtsp(
            DESCRIBE=b"RTSP/1.0 200 OK\r\nCSeq: %d\r\nContent-Length: -7\r\n\r\nv=0\r\n"
        ),
        "r-endless-describe": rtsp(
            DESCRIBE=b"RTSP/1.0 200 OK\r\nCSeq: %d\r\n" + b"X: y\r\n" * 200_000 + b"\r\n"
        ),
        "r-sdp-of-nothing": rtsp(DESCRIBE=described("")),
        "r-sdp-of-noise": rtsp(DESCRIBE=described("".join(map(chr, range(33, 127))) * 90)),
        "r-sdp-of-many": rtsp(DESCRIBE=described(many)),
        "r-sdp-of-long-sets": rtsp(DESCRIBE=described(_SDP + sets)),
        "r-no-setup": rtsp(DESCRIBE=described(_SDP)),
        "r-setup-refused": rtsp(DESCRIBE=described(_SDP), SETUP=_rtsp_status("461 No")),
        "r-slow": slowly(b"RTSP/1.0 200 OK\r\n" * 20),
    }
    codes = (400, 401, 403, 404, 454, 500, 551)
    return {
        **found,
        **{f"r-{code}": rtsp(DESCRIBE=_rtsp_status(f"{code} \x1b[2J")) for code in codes},
    }
