"""Pictures: known by their content, upright, flat, and what a folder leaves out is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image as Pillow
from PIL import ImageOps, PngImagePlugin

from edge.errors import SourceFileError
from edge.sources.images import ImageSource, is_picture, read_image
from edge.types import Image
from tests.edge.sources.media import corner, plain, tiled_tiff, write_video

UPRIGHT = corner()
"""64×48, bright in the top left quarter."""


def pillow(image: Image = UPRIGHT) -> Any:
    return Pillow.fromarray(image[..., ::-1])


def assert_upright(image: Image, size: tuple[int, int] = (64, 48)) -> None:
    assert image.dtype == np.uint8
    assert image.shape == (size[1], size[0], 3)
    height, width = size[1] // 2, size[0] // 2
    assert np.median(image[:height, :width]) > 210
    assert max(np.median(image[height:]), np.median(image[:, width:])) < 50


# One picture


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {}),
        ("a.jfif", {"format": "JPEG"}),
        ("a.jpe", {"format": "JPEG"}),
        ("no-suffix", {"format": "JPEG"}),
        ("a.png", {"format": "WEBP"}),
        ("a.avif", {}),
        ("a.webp", {}),
        ("a.gif", {}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("a.ppm", {}),
        ("a.dat", {"format": "PNG"}),
    ],
)
def test_a_picture_is_known_by_its_content(
    tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    path = tmp_path / name
    pillow().save(path, **options)
    assert is_picture(path)
    assert_upright(read_image(path))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "CMYK", "RGBA", "YCbCr"])
def test_every_mode_becomes_bgr(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tif"
    pillow().convert(mode).save(path)
    assert_upright(read_image(path))


def test_colours_are_bgr(tmp_path: Path) -> None:
    image = plain()
    image[:] = (10, 120, 240)
    pillow(image).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_sixteen_bits_become_eight(tmp_path: Path, name: str) -> None:
    deep = UPRIGHT[..., 0].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / name), deep)
    assert_upright(read_image(tmp_path / name))
    cv2.imwrite(str(tmp_path / "colour.png"), np.dstack([deep] * 3))
    assert_upright(read_image(tmp_path / "colour.png"))


def test_floating_point_becomes_eight_bits(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.tiff"), UPRIGHT[..., 0].astype(np.float32) / 255)
    assert read_image(tmp_path / "a.tiff").max() == 255


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".png", ".heic", ".tif"])
def test_a_photo_that_lies_on_its_side_is_turned(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the top is at the right
    lying = pillow(np.rot90(UPRIGHT).copy())
    if suffix == ".heic":
        pillow_heif.from_pillow(lying).save(path, exif=exif.tobytes(), quality=95)
    else:
        lying.save(path, exif=exif)
    assert_upright(read_image(path))


def test_broken_exif_is_no_broken_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    pillow().save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03")
    assert_upright(read_image(path))


def test_heic_is_read_whole(tmp_path: Path) -> None:
    large = cv2.resize(UPRIGHT, (1280, 960), interpolation=cv2.INTER_NEAREST)
    path = tmp_path / "photo"
    pillow_heif.from_pillow(pillow(np.asarray(large, np.uint8))).save(path, format="HEIF")
    assert is_picture(path)
    assert_upright(read_image(path), (1280, 960))


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.gif", "palette.png"])
def test_what_is_transparent_does_not_show(tmp_path: Path, name: str) -> None:
    alpha = np.zeros((48, 64), np.uint8)
    alpha[:, :16] = 255
    picture = Pillow.fromarray(np.dstack([UPRIGHT, alpha]), "RGBA")
    if name == "palette.png":
        picture = picture.quantize()
    picture.save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    image = read_image(tmp_path / name)
    assert np.ptp(image[:, 20:]) == 0, "one grey"
    assert image[10, 5].mean() > 200


def test_of_an_animation_the_first_picture_counts(tmp_path: Path) -> None:
    pillow().save(tmp_path / "a.gif", save_all=True, append_images=[pillow(plain(99))])
    assert_upright(read_image(tmp_path / "a.gif"))


@pytest.mark.parametrize("size", [(20_000, 20_000), (8_001, 5_000), (1, 40_000_001)])
def test_a_picture_that_is_too_large_is_refused_by_its_header(
    tmp_path: Path, size: tuple[int, int], recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5 %d %d 255\n" % size)
    assert is_picture(path)
    with pytest.raises(SourceFileError, match=r"at most 40 megapixels, found .*; scale"):
        read_image(path)
    assert not recwarn.list


def test_the_most_pixels_are_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    pillow(plain(50, 1001, 1000)).save(path)
    with pytest.raises(SourceFileError, match=r"at most 1 megapixels, found 1001×1000; scale .*"):
        read_image(path, 1_000_000)
    assert read_image(path, 1_001_000).shape == (1000, 1001, 3)


@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 65535])
def test_pictures_are_turned_as_pillow_does(tmp_path: Path, orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    pillow().save(tmp_path / "a.png", exif=exif)
    with Pillow.open(tmp_path / "a.png") as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))[..., ::-1]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16", "F"])
@pytest.mark.parametrize("size", [(1025, 1030), (1, 3000), (3000, 1)])
def test_a_picture_of_several_tiles_is_converted_as_one_of_one(
    tmp_path: Path, mode: str, size: tuple[int, int]
) -> None:
    wave = np.add.outer(np.arange(size[1]) * 3, np.arange(size[0])) % 256
    grey = np.asarray(wave, np.uint8)
    if mode == "I;16":
        picture = Pillow.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "F":
        picture = Pillow.fromarray(grey.astype(np.float32))
    else:
        picture = Pillow.fromarray(np.dstack([grey] * 3)).convert(mode)
    picture.save(tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")
    assert image.shape == (size[1], size[0], 3)
    expected = grey
    if mode == "P":
        expected = np.asarray(picture.convert("RGB"))[..., 2]
    if mode == "F":
        span = max(int(grey.max()) - int(grey.min()), 1)
        expected = (grey.astype(float) - grey.min()) * 255 / span
    assert np.abs(image[..., 0].astype(float) - expected).max() <= 1


def test_a_picture_of_too_long_a_side_is_refused(tmp_path: Path) -> None:
    pillow(plain(50, 32_767, 1)).save(tmp_path / "a.png")
    with pytest.raises(SourceFileError, match="at most 32766 pixels a side, found 32767×1; scale"):
        read_image(tmp_path / "a.png")


def test_a_long_picture_is_fine(tmp_path: Path) -> None:
    pillow(plain(50, 20_000, 40)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (40, 20_000, 3)


def noise() -> Image:
    return np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)


@pytest.mark.parametrize(
    "name", ["a.jpg", "progressive.jpg", "a.png", "a.gif", "a.tif", "a.bmp", "a.ppm"]
)
def test_what_there_is_of_a_cut_picture_is_used_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path = tmp_path / name
    pillow(noise()).save(path, **({"progressive": True} if "progressive" in name else {}))
    whole = read_image(path)
    assert caplog.records == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    image = read_image(path)
    there = image[-60:] if name == "a.bmp" else image[:60]
    first = whole[-60:] if name == "a.bmp" else whole[:60]
    far = np.abs(there.astype(int) - first).mean(axis=(1, 2))
    assert np.median(far) < 60 if "progressive" in name else far.min() < 1
    [record] = caplog.records
    assert re.search(
        rf"{name}: damaged \(.+\); what there is of it is used, \d+ of 200 rows",
        record.getMessage(),
    )
    with ImageSource(path) as source:
        assert source.damage.startswith("damaged (")


def test_a_tiff_is_judged_by_what_is_decoded_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiled_tiff(64))
    assert read_image(path).shape == (48, 64, 3)
    path.write_bytes(tiled_tiff(8192))
    with pytest.raises(SourceFileError, match=r"a\.tif, of which a tile: expected at most 40"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".heic"])
def test_a_cut_picture_of_which_nothing_can_be_read_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".heic":
        pillow_heif.from_pillow(pillow(noise())).save(path)
    else:
        pillow(noise()).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(SourceFileError, match=rf"a\{suffix}: expected a picture, found"):
        read_image(path)


@pytest.mark.parametrize(("name", "end"), [("a.jpg", 300), ("a.png", 45), ("a.bmp", 54)])
def test_a_header_alone_is_no_picture(tmp_path: Path, name: str, end: int) -> None:
    path = tmp_path / name
    pillow(noise()).save(path)
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(SourceFileError, match=rf"{name}: expected a picture, found: .*copy it"):
        read_image(path)


@pytest.mark.parametrize(
    "content", [b"", b"no image\n" * 100, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_what_is_no_picture_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert not is_picture(path)
    with pytest.raises(SourceFileError, match=r"a\.jpg: expected a (video or a )?picture, found"):
        read_image(path)


def test_a_picture_that_cannot_be_read_is_one_all_the_same(tmp_path: Path) -> None:
    about = PngImagePlugin.PngInfo()
    about.add_text("Comment", "x" * (2 << 20), zip=True)
    path = tmp_path / "a.png"
    pillow().save(path, pnginfo=about)
    assert is_picture(path), "FFmpeg, which takes any comment, does not get it"
    with pytest.raises(SourceFileError, match=r"expected a picture, found: .*too large"):
        read_image(path)


def test_a_video_is_no_picture(tmp_path: Path) -> None:
    for name, codec in (("a.mp4", "libsvtav1"), ("a.mpg", "mpeg1video"), ("a.avi", "mjpeg")):
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        assert not is_picture(
            write_video(tmp_path / name, [plain(9, 96, 64)], codec, pixels=pixels)
        )


def test_one_picture_is_one_frame(tmp_path: Path) -> None:
    pillow().save(tmp_path / "a.jfif", format="JPEG")
    with ImageSource(tmp_path / "a.jfif") as source:
        assert (source.name, source.description) == ("a.jfif", "a.jfif")
        [frame] = source
    assert (frame.index, frame.time, frame.source, frame.still) == (0, 0.0, "a.jfif", True)
