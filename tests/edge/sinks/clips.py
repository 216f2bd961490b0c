"""A clip that flashes and beeps at the same moments, and where both are found in a recording."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from edge.types import Frame
from tests.edge.sinks.makers import image

MOMENTS = (0.4, 1.4, 2.4)
_LENGTH, _SECONDS, _FPS = 0.1, 3.0, 25


def write_clip(
    path: Path, codec: str, rate: int = 48_000, layout: str = "stereo", video: str = "mpeg4"
) -> None:
    """Write three seconds of 64×48 pixels."""
    with av.open(str(path), "w") as container:
        pictures: Any = container.add_stream(video, rate=_FPS, width=64, height=48)
        pictures.pix_fmt = "yuv420p"
        sound: Any = container.add_stream(codec, rate=rate, layout=layout)
        context = sound.codec_context
        resampler = av.AudioResampler(context.format.name, layout, rate, context.frame_size or 1024)
        times = np.arange(round(rate / _FPS)) / rate
        for n in range(round(_SECONDS * _FPS)):
            now = n / _FPS
            on = any(at <= now + 1e-6 < at + _LENGTH for at in MOMENTS)
            picture = av.VideoFrame.from_ndarray(image(value=230 if on else 10), format="bgr24")
            picture.pts, picture.time_base = n, Fraction(1, _FPS)
            container.mux(pictures.encode(picture))
            wave = (16_000 * on * np.sin(2000 * np.pi * times)).astype(np.int16)
            samples = np.repeat(wave, len(context.layout.channels))[np.newaxis]
            heard = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
            heard.sample_rate, heard.pts = rate, n * len(times)
            heard.time_base = Fraction(1, rate)
            container.mux([p for part in resampler.resample(heard) for p in sound.encode(part)])
        container.mux([p for part in resampler.resample(None) for p in sound.encode(part)])
        container.mux([*pictures.encode(None), *sound.encode(None)])


class Clip:
    """Gives the frames of a file with the packets of its audio, on the clock of ``Frame.time``."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path))  # stays open: the packets belong to it

    def frames(self) -> list[Frame]:
        start, packets, frames = None, list[Any](), list[Frame]()
        for packet in self._container.demux():
            if packet.stream.type == "audio":
                packets += [packet] if packet.pts is not None else []
                continue
            for picture in packet.decode():
                start = picture.time if start is None else start
                for audio in packets:
                    audio.pts -= round(start / audio.time_base)
                content = picture.to_ndarray(format="bgr24")
                at = picture.time - start
                frames.append(Frame(content, len(frames), at, "clip", audio=tuple(packets)))
                packets = []
        return frames


def flashes(path: Path) -> list[float]:
    """When a picture is bright and the one before was not, in seconds."""
    with av.open(str(path)) as video:
        seen = [(f.time, f.to_ndarray(format="gray").mean() > 120) for f in video.decode(video=0)]
    return [now for (now, on), (_, before) in zip(seen[1:], seen, strict=False) if on > before]


def beeps(path: Path) -> list[float]:
    """When a beep begins, in seconds."""
    found: list[float] = []
    for start, loud, rate in _sound(path):
        for n in np.flatnonzero(loud):
            now = start + n / rate
            if not found or now - found[-1] > 2 * _LENGTH:
                found.append(now)
    return found


def sound_ends(path: Path) -> float:
    """When the audio ends, in seconds."""
    return max(start + len(loud) / rate for start, loud, rate in _sound(path))


def codec(path: Path) -> str:
    """The audio's codec."""
    with av.open(str(path)) as container:
        return container.streams.audio[0].codec_context.codec.canonical_name


def _sound(path: Path) -> list[tuple[float, Any, int]]:
    resampler, found = av.AudioResampler("fltp", "mono"), list[tuple[float, Any, int]]()
    with av.open(str(path)) as container:
        for decoded in container.decode(audio=0):
            for frame in resampler.resample(decoded):
                found.append((frame.time, np.abs(frame.to_ndarray()[0]) > 0.1, frame.sample_rate))
    return found
