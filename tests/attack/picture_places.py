"""Pictures that are no regular files, have odd names, or change while they are read."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.attack.case import Case
from tests.attack.inputs import EITHER, RUN, arranged, folder_of, is_there, made, named, written
from tests.attack.picture_files import flat_png, noise, picture, png, saved


def file_cases() -> Iterator[Case]:
    """Yield what is no regular file, and files by odd names."""
    good = picture("jpg")

    def fifo(folder: Path) -> str:
        os.mkfifo(folder / "a.jpg")
        return "a.jpg"

    def link(target: str, folder: Path) -> str:
        (folder / "a.jpg").symlink_to(target)
        return "a.jpg"

    def listening(folder: Path) -> str:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{folder}/a.jpg")
        return "a.jpg"

    def hidden(folder: Path) -> str:
        (folder / "a.jpg").write_bytes(good)
        (folder / "a.jpg").chmod(0)
        return "a.jpg"

    def below(folder: Path) -> str:
        (folder / "a.jpg").mkdir()
        return "a.jpg"

    yield arranged("fifo", fifo, sample=True)
    for target in ("/dev/zero", "/dev/null", "/dev/urandom", "/proc/self/mem", "a.jpg", "gone"):
        yield arranged(f"link to {target}", partial(link, target))
    yield arranged("socket", listening)
    root = os.geteuid() == 0
    yield arranged("unreadable", hidden, (0,) if root else (2,), "" if root else "ermission")
    yield arranged("folder.jpg", below)
    for kind in ("jpg", "png", "gif", "webp", "tif", "heic"):
        yield arranged(f"8 GB of {kind}", partial(_sparse, picture(kind)), EITHER, "")
        half = picture(kind)[: len(picture(kind)) // 2]
        # Pillow looks for the end of a GIF's picture in all that follows.
        yield arranged(f"8 GB of half a {kind}", partial(_sparse, half), EITHER, "", seconds=60)
    for name in ("\x1b[2J.jpg", "new\nline.jpg", "\udcff.jpg", "a" * 251 + ".jpg", "%d%s.jpg",
                 "http:a.jpg", "a\u202egpj.jpg", "[1].jpg", " .jpg", "\x07\x9b5m.jpg"):  # fmt: skip
        yield Case(f"name {ascii(name)[:30]}", partial(named, name, good), (0,))
        yield Case(f"name of none {ascii(name)[:30]}", partial(named, name, b"none"))
    yield Case("name -a.jpg", partial(named, "-a.jpg", good), (2,), "nknown option|expected")
    yield Case("no such name", lambda _: [*RUN, "a\x1b[2J\nb.jpg"])
    yield Case("standard input", lambda _: [*RUN, "-"])


def folder_cases() -> Iterator[Case]:
    """Yield folders of many files, of loops, and of files that come and go."""

    def many(folder: Path) -> str:
        for number in range(10_000):
            (folder / f"{number}.jpg").write_bytes(b"none")
        (folder / "z.jpg").write_bytes(picture("jpg"))
        return "."

    def loops(folder: Path) -> str:
        (folder / "b").mkdir()
        (folder / "b" / "again").symlink_to(folder)
        (folder / "b" / "self").symlink_to("self")
        (folder / "z.jpg").write_bytes(picture("jpg"))
        return "."

    def deep(folder: Path) -> str:
        below = folder
        for _ in range(60):
            below /= "d" * 60
            os.mkdir(below)  # noqa: PTH102
        (below / "a.jpg").write_bytes(picture("jpg"))
        return "."

    yield arranged("10000 files", many, (0,), "10000 of 10001 files left out", seconds=30)
    yield arranged("folder of loops", loops, (0,), "left out")
    yield arranged("folders 60 deep", deep, (0,), "")
    names = [f"{number:03}.bmp" for number in range(200)]
    large = {f"{number}.png": flat_png(8000, 5000) for number in range(6)}
    yield arranged(
        "6 of 40 megapixels", partial(folder_of, large), (0,), "", most_mib=800, seconds=30
    )
    yield arranged("files vanish", partial(_changing, names, os.remove), EITHER, "", changes=names)
    yield arranged(
        "files become shorter", partial(_changing, names, lambda path: os.truncate(path, 60)),
        EITHER, "", changes=names,
    )  # fmt: skip
    yield arranged("a file is cut again and again", _pulsing, EITHER, "", changes=["a.pgm"])
    damaged = {"a.jpg": picture("jpg")[:2000], "b.png": b"none", "c.png": picture("png")}
    yield arranged(
        "damaged, none and good", partial(folder_of, damaged), (0,),
        r"1 of 3 files left out(.|\n)*1 of 3 files damaged", sample=True,
    )  # fmt: skip
    yield arranged("all damaged", partial(folder_of, {"a.jpg": b"none", "b.png": b"no"}), (2,))


def scan_cases() -> Iterator[Case]:
    """Yield scans: the codes are those of ``run``, and the failures are listed."""
    damaged = {"a.jpg": picture("jpg")[:2000], "b.png": b"none", "c.png": picture("png")}
    for name, files, codes in (
        ("damaged, none and good", damaged, (0,)),
        (
            "a huge one and a good one",
            {"a.png": flat_png(7000, 6000), "b.png": picture("png")},
            (0,),
        ),
        ("none", {"a.jpg": b"none"}, (2,)),
        ("a huge one", {"a.png": flat_png(7000, 6000)}, (2,)),
    ):
        yield Case(
            f"scan of {name}", partial(_scanned, files), codes, "see failures.csv", seconds=40
        )  # fmt: skip


def _scanned(files: Mapping[str, bytes], folder: Path) -> Sequence[str]:
    (folder / "in").mkdir()
    folder_of(files, folder / "in")
    return ["edge", "scan", "in", "-o", "out", "--min-face", "0", "--workers", "1"]


def _sparse(content: bytes, folder: Path) -> str:
    (folder / "a.jpg").write_bytes(content)
    os.truncate(folder / "a.jpg", 8 << 30)
    return "a.jpg"


def _changing(names: Sequence[str], change: Callable[[Path], object], folder: Path) -> str:
    """Change the files from the last one on, while the first ones are read."""
    for name in names:
        (folder / name).write_bytes(saved(noise(200, 200), "BMP"))

    def work() -> None:
        time.sleep(0.7)
        for name in reversed(names):
            if (folder / name).exists():
                change(folder / name)
            time.sleep(0.005)

    threading.Thread(target=work, daemon=True).start()
    return "."


def _pulsing(folder: Path) -> str:
    path, content = folder / "a.pgm", b"P5 4000 4000 255\n" + bytes(16_000_000)
    path.write_bytes(content)

    def work() -> None:
        end = time.monotonic() + 5
        while time.monotonic() < end and path.exists():
            os.truncate(path, 100)
            time.sleep(0.001)
            os.truncate(path, len(content))
            time.sleep(0.02)

    threading.Thread(target=work, daemon=True).start()
    return "a.pgm"


def output_cases() -> Iterator[Case]:
    """Yield outputs of pictures, good and damaged."""
    half = picture("png")[: len(picture("png")) // 2]
    for output in ("o.jpg", "o.png", "o.mp4", "o.jsonl", "o.csv", "o/", "o.mkv"):
        yield written(
            f"half.png to {output}", lambda: half, (0,), "damaged", options=("-o", output),
            check=partial(is_there, output),
        )  # fmt: skip
    for output in ("o.gif", "", "."):
        yield written(f"to {output!r}.jpg", lambda: picture("jpg"), options=("-o", output))
    yield written("itself.jpg", lambda: picture("jpg"), options=("-o", "itself.jpg"))
    for name, content in (("1x1.png", flat_png(1, 1)), ("1x30000.png", flat_png(1, 30_000))):
        for output in ("o.png", "o.mp4", "o.jpg"):
            make = partial(bytes, content)
            yield written(f"{name} to {output}", make, (0,), "", options=("-o", output))
    yield Case(
        "doctor and a huge picture",
        lambda folder: ["edge", "doctor", made(folder / "a.png", png(30_000, 30_000))],
        (1,),
        "megapixels",
    )
