"""Several sources in one call, in a process of its own: files, a folder, cameras side by side."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import signal
from collections import Counter
from pathlib import Path

import av
import pytest

from edge.assets import ASSETS, ASSETS_FOLDER
from tests.edge.processes import finish, one_line, start
from tests.edge.sources.media import plain, write_video
from tests.edge.sources.network_camera import Camera

ASTRONAUT = ASSETS_FOLDER / ASSETS["astronaut"].file_name


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_video_a_folder_and_a_pattern_in_one_call(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    shutil.copy(ASTRONAUT, tmp_path / "photos" / "a.png")
    for name in ("x.mp4", "y.mp4", "photos/z.mkv"):
        write_video(tmp_path / name, [plain()] * 3)
    records = tmp_path / "a.jsonl"
    inputs = (tmp_path / "photos", tmp_path / "*.mp4")
    code, out, err = finish(start(repository, *inputs, "-o", records))
    assert (code, err) == (0, "")
    sources = [line["source"] for line in lines(records)]
    assert sources == ["photos/a.png", *["photos/z.mkv"] * 3, *["x.mp4"] * 3, *["y.mp4"] * 3]
    assert re.search(r"photos/a\.png · 1 face\n  happy (9\d|100)% at", out)
    assert "people       1 in 4 inputs\n  photographs: 1 in 1 photograph: happy" in out
    assert "\n  y.mp4: none\n" in out


def test_a_photograph_prints_its_faces(repository: Path) -> None:
    code, out, err = finish(start(repository, ASTRONAUT))
    assert (code, err) == (0, "")
    first, second = out.splitlines()[:2]
    assert first == "astronaut.png · 1 face"
    label, score, _, corner, size = second.split()
    assert label == "happy"
    assert 50 <= int(score.rstrip("%")) <= 100
    left, top = map(int, corner.split(","))
    width, height = map(int, size.split("×"))
    assert left < 220 < left + width  # her nose
    assert top < 110 < top + height


def test_one_that_fails_does_not_end_the_others(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    write_video(tmp_path / "b.mp4", [plain()] * 3)
    records = tmp_path / "a.jsonl"
    run = start(repository, tmp_path / "a.mp4", tmp_path / "b.mp4", "-o", records)
    code, out, err = finish(run)
    assert code == 2
    assert "a.mp4: expected a video or a picture" in one_line(err)
    assert Counter(line["source"] for line in lines(records)) == {"b.mp4": 3}
    assert "frames       3" in out


def test_cameras_run_side_by_side_each_with_its_name(repository: Path, tmp_path: Path) -> None:
    records, pictures = tmp_path / "a.jsonl", tmp_path / "a.mp4"
    with Camera() as first, Camera() as second:
        run = start(repository, first.url, second.url, "-o", records, "--frames", 8)
        code, _, err = finish(run)
        refused = start(repository, first.url, second.url, "-o", pictures, "--frames", 8)
        assert finish(refused)[0] == 2
    assert code == 0, err
    seen = lines(records)
    assert Counter(line["source"] for line in seen) == {first.url: 8, second.url: 8}
    order = [line["source"] for line in seen]
    changes = sum(a != b for a, b in itertools.pairwise(order))
    assert changes > 2  # side by side, not one after the other
    for camera in (first, second):
        times = [line["time"] for line in seen if line["source"] == camera.url]
        assert times[0] == 0
        assert times == sorted(times)  # type: ignore[type-var]


def test_a_camera_that_is_not_there_is_waited_for_beside_the_other(
    repository: Path, tmp_path: Path
) -> None:
    records = tmp_path / "a.jsonl"
    with Camera() as camera:
        run = start(repository, "97", camera.url, "-o", records)
        assert run.stdout
        told = next(line for line in run.stdout if "no picture" in line)
        assert "video97: expected a camera, found no such device" in told
        seen = next(line for line in run.stdout if camera.url in line)
        assert "no face" in seen
        run.send_signal(signal.SIGINT)
        code, _, err = finish(run)
    assert (code, "Traceback" in err) == (0, False)
    assert {line["source"] for line in lines(records)} == {camera.url}


def test_a_file_and_a_camera_do_not_mix(repository: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [plain()] * 5)
    with Camera() as camera:
        shown = tmp_path / "shown"
        run = start(repository, camera.url, tmp_path / "a.mp4", "-o", shown, "--frames", 5)
        code, _, err = finish(run)
    assert code == 0, err
    assert len(list(shown.iterdir())) == 2
    for path in shown.iterdir():
        with av.open(str(path)) as video:
            assert sum(1 for _ in video.decode(video=0)) == 5


@pytest.mark.parametrize("output", ["b.mp4", "c.mkv"])
def test_an_input_of_a_pattern_or_a_folder_is_not_written_over(
    output: str, repository: Path, tmp_path: Path
) -> None:
    for name in ("b.mp4", "c.mkv"):
        write_video(tmp_path / name, [plain()] * 3)
    for source in (tmp_path, tmp_path / "*.m*"):
        code, _, err = finish(start(repository, source, "-o", tmp_path / output))
        assert code == 2
        assert f"{output}: expected another file than an input" in one_line(err)


@pytest.mark.parametrize("text", ['source = "{}"', 'source = ["{}"]'])
def test_a_settings_file_names_one_or_several(text: str, repository: Path, tmp_path: Path) -> None:
    settings = tmp_path / "a.toml"
    settings.write_text(text.format(ASTRONAUT))
    code, out, err = finish(start(repository, "--config", settings))
    assert (code, err) == (0, "")
    assert out.startswith("astronaut.png · 1 face\n")
