"""A network camera that stalls and comes back, as a real server."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import cv2

from tests.edge.fakes import image

_, PICTURE = cv2.imencode(".jpg", image(160, 120, 90))


class Camera(ThreadingHTTPServer):
    """A network camera: a JPEG every 0.04 s, none while it ``stalls``."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Pictures)
        self.stalls = threading.Event()
        self.off = threading.Event()
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
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        part = b"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n"
        try:
            while not self.server.off.wait(0.04):
                if not self.server.stalls.is_set():
                    self.wfile.write(part % (len(PICTURE), PICTURE.tobytes()))
        except OSError:  # the other side is gone
            return

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing."""
