"""A network camera: a JPEG of the demo's portraits at a steady rate, over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import cv2

from edge.sources.demo import DemoSource, load_portraits

RATE = 15
"""Pictures a second."""
_DIFFERENT = 300
_HEAD = b"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n"


def pictures(count: int = _DIFFERENT) -> Sequence[bytes]:
    """Return ``count`` JPEGs of two moving portraits, 640×360."""
    demo = DemoSource(load_portraits(), faces=2)
    return [cv2.imencode(".jpg", demo.render(index))[1].tobytes() for index in range(count)]


class Camera(ThreadingHTTPServer):
    """Sends ``shown`` over and over to whoever asks, until it is ``stalled`` or ``dropped``.

    A stalled camera keeps its connections and sends nothing; a dropped one ends them and refuses
    new ones.
    """

    daemon_threads = True

    def __init__(self, shown: Sequence[bytes], rate: float = RATE) -> None:
        """Listen on a free port of this machine."""
        super().__init__(("127.0.0.1", 0), _Pictures)
        self.shown, self.rate = shown, rate
        self.stalled, self.dropped, self.off = (threading.Event() for _ in range(3))
        self.url = f"http://127.0.0.1:{self.server_address[1]}/live"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections."""
        self.off.set()
        self.shutdown()
        self.server_close()


class _Pictures(BaseHTTPRequestHandler):
    server: Camera

    def do_GET(self) -> None:
        if self.server.dropped.is_set():
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        camera, began, number = self.server, time.monotonic(), 0
        try:
            while not camera.off.is_set() and not camera.dropped.is_set():
                if not camera.stalled.is_set():
                    jpeg = camera.shown[number % len(camera.shown)]
                    self.wfile.write(_HEAD % (len(jpeg), jpeg))
                number += 1
                camera.off.wait(max(began + number / camera.rate - time.monotonic(), 0))
        except OSError:  # the other side is gone
            return

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing."""
