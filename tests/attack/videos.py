"""Videos that are cut, whose fields lie, that are no videos, or that name other files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from tests.attack.case import Case, Result, results
from tests.attack.inputs import EITHER, SAID, arranged, folder_of, is_there, written
from tests.attack.video_files import (
    KINDS,
    big,
    changed,
    cut,
    interlaced,
    jpegs,
    little,
    many_streams,
    no_frames,
    odd,
    sizes_that_change,
    sound,
    video,
    without,
)
from tests.attack.video_files import written as encoded
from tests.attack.video_places import file_cases
from tests.edge.sources.media import moving, plain

_CUTS = (0.05, 0.3, 0.6, 0.9)
_ALL = 0xFFFFFFFF


def cut_cases() -> Iterator[Case]:
    """Yield each kind, cut at several places, and pieces of it that are missing or twice there."""
    for kind in KINDS:
        for share in _CUTS:
            sample = share == _CUTS[2] and kind in {"mp4", "avi"}
            make = partial(cut, kind, share)
            yield written(f"cut to {share:.0%} .{kind}", make, EITHER, "", sample=sample)
        yield written(f"a hole in it.{kind}", partial(_hole, kind), EITHER, "")
        yield written(f"beginning twice.{kind}", partial(_twice, kind), EITHER, "")


def _hole(kind: str) -> bytes:
    content = video(kind, 40)
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


def _twice(kind: str) -> bytes:
    return video(kind)[:2000] + video(kind)


def field_cases() -> Iterator[Case]:
    """Yield files whose fields lie."""
    for box in (b"moov", b"trak", b"mdia", b"stbl", b"stsd", b"stts", b"stco", b"mdat"):
        yield written(f"no {box.decode()}.mp4", partial(without, "mp4", box), EITHER, "")
        for size in (0, 1, 7, 0x7FFFFFFF, _ALL):
            if size in {0, _ALL} or box in {b"moov", b"stsd"}:
                make = partial(_sized, box, size)
                yield written(f"{box.decode()} of {size} bytes.mp4", make, EITHER, "")
    for name, kind, box, *fields in _FIELDS:
        yield written(name, partial(changed, kind, box, *fields), EITHER, "")


def _sized(box: bytes, size: int) -> bytes:
    return changed("mp4", box, (-8, big(size)))


_FIELDS: Sequence[tuple[Any, ...]] = (
    ("timescale 0.mp4", "mp4", b"mdhd", (12, big(0))),
    ("timescale most.mp4", "mp4", b"mdhd", (12, big(_ALL))),
    ("length most.mp4", "mp4", b"mdhd", (16, big(_ALL))),
    ("clock 0.mp4", "mp4", b"mvhd", (12, big(0))),
    ("frames of no time.mp4", "mp4", b"stts", (12, big(0))),
    ("frames of all time.mp4", "mp4", b"stts", (12, big(0x7FFFFFFF))),
    ("frames of negative time.mp4", "mp4", b"stts", (12, big(-5))),
    ("billions of times.mp4", "mp4", b"stts", (4, big(_ALL)), (8, big(_ALL))),
    ("billions of samples.mp4", "mp4", b"stsz", (8, big(_ALL))),
    ("samples of one huge size.mp4", "mp4", b"stsz", (4, big(0x7FFFFFFF))),
    ("chunks far away.mp4", "mp4", b"stco", (8, big(_ALL))),
    ("billions of chunks.mp4", "mp4", b"stsc", (4, big(_ALL))),
    ("samples a chunk 0.mp4", "mp4", b"stsc", (12, big(0))),
    ("samples a chunk most.mp4", "mp4", b"stsc", (12, big(_ALL))),
    ("size 0x0.mp4", "mp4", b"avc1", (24, bytes(4))),
    ("size 65535x65535.mp4", "mp4", b"avc1", (24, b"\xff" * 4)),
    ("no matrix.mp4", "mp4", b"tkhd", (40, bytes(36))),
    ("matrix of ones.mp4", "mp4", b"tkhd", (40, b"\xff" * 36)),
    ("turned by 45.mp4", "mp4", b"tkhd", (40, big(46341) + big(46341) + big(0) + big(-46341))),
    ("edit list of nothing.mp4", "mp4", b"elst", (4, big(0))),
    ("edit list of billions.mp4", "mp4", b"elst", (4, big(_ALL))),
    ("edit far away.mp4", "mp4", b"elst", (12, big(0x7FFFFFFF))),
    ("parameter sets of nothing.mp4", "mp4", b"avcC", (0, bytes(16))),
    ("parameter sets of noise.mp4", "mp4", b"avcC", (0, b"\xa5" * 16)),
    ("fragment of billions.mp4", "fragmented.mp4", b"trun", (4, big(_ALL))),
    ("fragment at no time.mp4", "fragmented.mp4", b"tfdt", (4, b"\xff" * 8)),
    ("rate 0.avi", "avi", b"vids", (16, little(0) + little(0))),
    ("rate of a billion.avi", "avi", b"vids", (16, little(1) + little(1_000_000_000))),
    ("rate of ages.avi", "avi", b"vids", (16, little(_ALL) + little(1))),
    ("frames of billions.avi", "avi", b"vids", (28, little(_ALL))),
    ("size 0x0.avi", "avi", b"strf", (8, little(0) + little(0))),
    ("size 16000x16000.avi", "avi", b"strf", (8, little(16000) + little(16000))),
    ("size negative.avi", "avi", b"strf", (8, little(-96) + little(-66))),
    ("size most.avi", "avi", b"strf", (8, little(0x7FFFFFFF) * 2)),
    ("index of noise.avi", "avi", b"idx1", (0, b"\xff" * 64)),
    ("list of all.avi", "avi", b"RIFF", (0, little(_ALL))),
    ("movi of all.avi", "avi", b"LIST", (0, little(_ALL))),
    ("clock of ages.mkv", "mkv", b"\x2a\xd7\xb1", (0, b"\x83\xff\xff\xff")),
    ("clock 0.mkv", "mkv", b"\x2a\xd7\xb1", (0, b"\x83\0\0\0")),
    ("cluster of all.mkv", "mkv", b"\x1f\x43\xb6\x75", (0, b"\x01" + b"\xff" * 7)),
    ("cluster of nothing.mkv", "mkv", b"\x1f\x43\xb6\x75", (0, b"\x80")),
    ("size most.mkv", "mkv", b"\xb0\x81", (0, b"\xff")),
    ("size most.flv", "flv", b"onMetaData", (2, b"\xff" * 60)),
)
"""Name, kind of file, a box's name, and what is changed behind it."""


def content_cases() -> Iterator[Case]:
    """Yield videos of odd contents."""
    large = "megapixels"
    huge = [(16_000, 16_000)] * 3
    yield written("bomb.avi", partial(jpegs, huge, (320, 240)), says=large, sample=True)
    yield written("honest bomb.avi", partial(jpegs, huge, (16_000, 16_000)), says=large)
    yield written("bomb.mkv", partial(jpegs, huge, (320, 240), "mkv"), says=large)
    yield written("bomb.mov", partial(jpegs, huge, (320, 240), "mov"), says=large)
    hidden = [(320, 240)] * 6 + huge
    yield written("hidden bomb.avi", partial(jpegs, hidden, (320, 240)), (0,), "damaged")
    for width, height, codes, says in ((32_000, 1200, (0,), ""), (65_000, 600, (2,), "a side")):
        wide = [(width, height)] * 3
        make = partial(jpegs, wide, (320, 240))
        yield written(f"{width} wide.avi", make, codes, says, most_mib=500)
    aspect = {"aspect": Fraction(4, 1), "pixels": "yuvj420p"}
    stretched = partial(encoded, "mjpeg", [plain(9, 4000, 2500)] * 2, "mkv", **aspect)
    yield written("stretched to 40 megapixels.mkv", stretched, (0,), "")
    yield written("sizes that change.ts", sizes_that_change, (0,), "")
    for width, height in ((1, 1), (2, 33), (33, 1), (17, 15), (8000, 2)):
        yield written(f"{width}x{height}.mkv", partial(odd, width, height), (0,), "")
    for width, height in ((98, 66), (34, 18), (1920, 34)):
        make = partial(interlaced, width, height)
        yield written(f"interlaced {width}x{height}.ts", make, (0,), "")
    for aspect_ in (Fraction(1, 1000), Fraction(1000, 1), Fraction(5, 4)):
        make = partial(encoded, "libx264", moving(6, 96, 66), "mp4", aspect=aspect_)
        yield written(f"pixels {aspect_.numerator}-{aspect_.denominator}.mp4", make, (0,), "")
    for suffix in ("mp4", "wav"):
        yield written(f"sound alone.{suffix}", partial(sound, suffix), says="no video stream")
    for suffix in ("mp4", "avi", "mkv"):
        yield written(f"no frames.{suffix}", partial(no_frames, suffix), (2,))
    yield written("100 videos.mkv", partial(many_streams, 100), (0,), "")
    yield written("in another.mkv", lambda: b"x" * 3000 + video("mkv"), EITHER, "")
    yield written("followed by another.ts", lambda: video("ts") + video("mp4"), (0,), "")
    yield written("of another suffix.mp4", lambda: video("mkv"), (0,), "")
    yield written("a picture.mp4", lambda: jpegs([(64, 64)], (64, 64))[-900:], EITHER, "")
    backwards = [(n / 25, 0.04) for n in (0, 1, 2, 3, 200_000, 200_001)]
    jump = partial(
        encoded, "mjpeg", [plain(9)] * 6, "mkv", pixels="yuvj420p", times=backwards
    )  # fmt: skip
    yield written("a jump of hours.mkv", jump, (0,), "")


_LISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n",
    "list to a server.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x\n",
    "list.mp4": "#EXTM3U\n#EXTINF:1,\nother.ts\n",
    "concat.txt": "ffconcat version 1.0\nfile other.ts\n",
    "concat.mp4": "ffconcat version 1.0\nfile '/etc/passwd'\n",
    "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "assets.xml": '<?xml version="1.0"?><AssetMap></AssetMap>',
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 50004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "list.pls": "[playlist]\nFile1=other.ts\n",
    "subtitles.srt": "1\n00:00:00,000 --> 00:00:05,000\nhello\n",
    "subtitles.vtt": "WEBVTT\n\n00:00.000 --> 00:05.000\nhello\n",
    "text.txt": "no film\n" * 300,
    "text.nfo": "\x1b[31mred\x1b[0m\n" * 300,
    "page.html": "<!DOCTYPE html><video src='other.ts'></video>",
    "vector.svg": "<svg xmlns='http://www.w3.org/2000/svg'></svg>",
}


def list_cases() -> Iterator[Case]:
    """Yield texts, and lists of other files; none of these is opened."""
    for name, text in _LISTS.items():
        files = {"other.ts": video("ts"), name: text.encode()}
        yield arranged(name, partial(_first, files, name), sample=name == "list.m3u8")


def _first(files: dict[str, bytes], name: str, folder: Path) -> str:
    folder_of(files, folder)
    return name


def output_cases() -> Iterator[Case]:
    """Yield outputs of damaged and odd videos."""
    for output in ("o.jsonl", "o.csv", "o.mp4", "o.mkv", "o.webm", "o/"):
        yield written(
            f"half.avi to {output}", partial(cut, "avi", 0.5), (0,), SAID, options=("-o", output),
            check=partial(is_there, output),
        )  # fmt: skip
    for name, make in (
        ("1x1.mkv", partial(odd, 1, 1)),
        ("17x15.mkv", partial(odd, 17, 15)),
        ("sizes.ts", sizes_that_change),
    ):
        yield written(f"{name} to o.mp4", make, (0,), "", options=("-o", "o.mp4"))
    yield written("film.mp4 to o.jpg", lambda: video("mp4"), options=("-o", "o.jpg"))
    yield Case("doctor and a list", _doctored, (1,), "expected a video")


def _doctored(folder: Path) -> Sequence[str]:
    (folder / "a.mp4").write_text(_LISTS["list.m3u8"])
    return ["edge", "doctor", "a.mp4"]


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Try all videos; ``seed`` is for fuzzers."""
    del seed
    cases = [
        *cut_cases(),
        *field_cases(),
        *content_cases(),
        *list_cases(),
        *file_cases(),
        *output_cases(),
    ]
    yield from results("videos", cases, sample)
