"""A network camera that stalls and comes back, as a real server, and one that serves a file."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import cv2

from tests.edge.sources.media import plain

_, PICTURE = cv2.imencode(".jpg", plain(90, 160, 120))


class Camera(ThreadingHTTPServer):
    """At /live a JPEG every 0.04 s, none while it ``stalls``; ``asked`` counts who wants them.

    At /live?stalls ten pictures and then none, at /live?slow then only a few bytes at a time; at
    /file ``content`` as it is; at /moved a redirect to ``elsewhere``; at other places an error of
    that number, as at /404.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0, content: bytes = b"") -> None:
        super().__init__(("127.0.0.1", port), _Pictures)
        self.content, self.kind, self.elsewhere = content, "", ""
        self.asked = 0
        self.stalls, self.off = threading.Event(), threading.Event()
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/live"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.off.set()
        self.shutdown()
        self.server_close()


class _Pictures(BaseHTTPRequestHandler):
    server: Camera

    def do_GET(self) -> None:
        if self.path == "/file":
            self._send_file()
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere)
            self.end_headers()
        elif self.path.startswith("/live"):
            self.server.asked += 1
            self._send_pictures()
        else:
            self.send_error(int(self.path[1:]))

    def _send_file(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        if self.server.kind:
            self.send_header("Content-Type", self.server.kind)
        self.end_headers()
        self.wfile.write(self.server.content)

    def _send_pictures(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        head = b"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
        part = head % len(PICTURE) + PICTURE.tobytes() + b"\r\n"
        sent, end = 0, self.path.partition("?")[2]
        try:
            while not self.server.off.wait(0.04):
                if end == "slow" and sent >= 10 * len(part):
                    at = sent % len(part)
                    sent += self.wfile.write(part[at : at + 40])
                elif not self.server.stalls.is_set() and not (end and sent >= 10 * len(part)):
                    sent += self.wfile.write(part)
        except OSError:  # the other side is gone
            return

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing."""
