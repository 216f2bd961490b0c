"""Videos that are no regular files, have odd names, or change while they are read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.attack.case import Case
from tests.attack.child import Ending
from tests.attack.inputs import EITHER, RUN, arranged, folder_of, named
from tests.attack.video_files import cut, video, written
from tests.edge.sources.media import moving


def file_cases() -> Iterator[Case]:
    """Yield files that are none, that are odd to call, or that change."""
    good = video("mp4")
    for name in ("http:a.mp4", "concat:a.mp4", "a\x1b[2J.mp4", "a\nb.mp4", "%03d.mp4", "a|b.mp4"):
        yield Case(f"name {name!a}", partial(named, name, good), (0,))
        yield Case(f"name of none {name!a}", partial(named, name, b"none" * 99))
    yield arranged("fifo.mp4", _fifo)
    yield arranged("link to zero.mp4", partial(_link, "/dev/zero"))
    yield arranged("8 GB of nothing.mp4", partial(_sparse, b""), EITHER, "")
    yield arranged("8 GB after it.mp4", partial(_sparse, good), (0,), "")
    yield arranged("8 GB after an AVI.avi", partial(_sparse, video("avi")), EITHER, "", seconds=30)
    yield arranged("8 GB of packets.ts", partial(_sparse, video("ts")), EITHER, "", seconds=120)
    yield arranged("cut while it is read", _shrinking, EITHER, "", changes=["a.avi"])
    yield arranged("vanishes while it is read", _vanishing, EITHER, "", changes=["a.avi"])
    half = {"a.avi": cut("avi", 0.5), "b.mp4": good, "c.mkv": b"none"}
    yield arranged(
        "folder of damaged, good and none", partial(folder_of, half), (0,),
        r"1 of 3 files left out(.|\n)*1 of 3 files damaged",
    )  # fmt: skip
    yield Case("damaged beside good", partial(_both, half), (2,), r"damaged(.|\n)*c.mkv: expected",
               lines=2, check=_summed_up)  # fmt: skip


def _both(files: dict[str, bytes], folder: Path) -> Sequence[str]:
    folder_of(files, folder)
    return [*RUN, *files]


def _summed_up(_: Path, ending: Ending) -> str:
    return "" if "p95" in ending.out else "no summary"


def _fifo(folder: Path) -> str:
    os.mkfifo(folder / "a.mp4")
    return "a.mp4"


def _link(target: str, folder: Path) -> str:
    (folder / "a.mp4").symlink_to(target)
    return "a.mp4"


def _sparse(content: bytes, folder: Path) -> str:
    (folder / "a.mp4").write_bytes(content)
    os.truncate(folder / "a.mp4", 8 << 30)
    return "a.mp4"


def _shrinking(folder: Path) -> str:
    return _later(folder, lambda path: os.truncate(path, 5000))


def _vanishing(folder: Path) -> str:
    return _later(folder, os.remove)


def _later(folder: Path, change: Any) -> str:
    path = folder / "a.avi"
    path.write_bytes(written("mjpeg", moving(600, 96, 66), "avi", pixels="yuvj420p"))

    def work() -> None:
        time.sleep(1.2)
        if path.exists():
            change(path)

    threading.Thread(target=work, daemon=True).start()
    return "a.avi"
