"""Ranges, and which of two values counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cyclopts import CycloptsError
from hypothesis import given
from hypothesis import strategies as st

from edge.cli import app
from edge.errors import SettingsError
from edge.settings import Recording, Settings, Tracking
from edge.sinks import find_adapter
from edge.sources.camera import CameraOptions


def parsed(*tokens: str) -> Settings:
    _, bound, _ = app.parse_args(["run", *tokens], exit_on_error=False, print_error=False)
    return bound.arguments.get("settings", Settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", 0),
        ("threads", 65),
        ("parallel", -1),
        ("parallel", 17),
        ("frames", -1),
        ("min_score", 0.0),
        ("min_score", 1.0),
        ("min_score", float("nan")),
        ("output", (Path("a.jsonl"), Path("./a.jsonl"))),
    ],
)
def test_a_value_out_of_range_names_the_option_and_what_it_found(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=rf"{name.replace('_', '-')}: expected .*found .*;"):
        Settings(**{name: value})


@pytest.mark.parametrize("name", ["smoothing", "margin", "forget"])
@given(value=st.one_of(st.floats(max_value=-1e-9), st.floats(min_value=60.001), st.just(-1.0)))
def test_tracking_times_outside_their_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=rf"tracking\.{name}"):
        Tracking(**{name: value})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": -1, "height": 480}, r"camera\.width: expected 0…16384 pixels, found -1;"),
        ({"width": 640, "height": 99999}, r"camera\.height: expected .*, found 99999;"),
        ({"fps": float("nan")}, r"camera\.fps: expected 1…1000, found nan;"),
        ({"fps": 0.5}, r"camera\.fps: expected 1…1000, found 0\.5;"),
        ({"width": 640}, "expected both or neither, found 640 and 0; give both"),
    ],
)
def test_what_no_camera_can_be_asked_for_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        CameraOptions(**wrong)


def test_the_camera_has_a_table_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "edge.toml"
    file.write_text('[camera]\nwidth = 1280\nheight = 720\nformat = "mjpg"\n')
    settings = parsed("--config", str(file), "--camera.fps", "15")
    assert settings.camera == CameraOptions(width=1280, height=720, fps=15, format="mjpg")


@pytest.mark.parametrize("name", ["flush", "rotate_mb", "keep"])
@pytest.mark.parametrize("value", [-1, 1e6 + 1, float("nan")])
def test_recording_values_outside_their_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=rf"recording\.{name.replace('_', '-')}: expected 0…"):
        Recording(**{name: value})


def test_the_command_line_goes_before_the_file_and_the_file_before_the_default(
    tmp_path: Path,
) -> None:
    file = tmp_path / "edge.toml"
    file.write_text(
        'threads = 3\nframes = 5\noutput = ["a.jsonl"]\n[tracking]\nmargin = 0.5\n'
        "[recording]\nrotate_mb = 2\n"
    )
    settings = parsed("--config", str(file), "--frames", "9", "--recording.keep", "3")
    assert settings.frames == 9
    assert settings.threads == 3
    assert settings.output == (Path("a.jsonl"),)
    assert settings.tracking == Tracking(margin=0.5)
    assert settings.recording == Recording(rotate_mb=2, keep=3)
    assert settings.source == Settings().source


@pytest.mark.parametrize("source", ["a.mp4", "~/a.mp4"])
def test_an_output_never_takes_the_place_of_the_input(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("a.mp4").touch()
    assert Settings(source=("demo",), output=(Path("demo"),)).output == (Path("demo"),)
    with pytest.raises(SettingsError, match=r"output: expected .*found .*a\.mp4'.*; rename"):
        Settings(source=(source,), output=(Path(source),))


def test_an_output_of_no_known_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"output: expected .*\.jsonl.*found 'a\.txt'; rename"):
        find_adapter(Path("a.txt"))


@pytest.mark.parametrize("text", ["\ufeffthreads = 3\n", "threads = 3\r\n"])
def test_a_settings_file_may_come_from_another_system(tmp_path: Path, text: str) -> None:
    file = tmp_path / "edge.toml"
    file.write_bytes(text.encode())
    assert parsed("--config", str(file)).threads == 3


def test_several_outputs(tmp_path: Path) -> None:
    settings = parsed("--output", "a.mp4", "--output", "b.jsonl", "--output", "c.csv")
    assert settings.output == (Path("a.mp4"), Path("b.jsonl"), Path("c.csv"))


@pytest.mark.parametrize(
    "text", ["treads = 3", "threads = 'many'", "threads = ", "[tracking]\nspeed = 1"]
)
def test_a_wrong_settings_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "edge.toml"
    file.write_text(text)
    with pytest.raises((CycloptsError, SettingsError)):
        parsed("--config", str(file))


def test_values_of_the_file_are_checked_too(tmp_path: Path) -> None:
    file = tmp_path / "edge.toml"
    file.write_text("threads = 1000")
    with pytest.raises(SettingsError, match="threads: expected 1…64, found 1000"):
        parsed("--config", str(file))


def test_the_default_model_is_the_repositorys(repository: Path) -> None:
    assert Settings().model_path.resolve() == repository / "models" / "Finalmodel.tflite"


def test_a_model_that_is_nowhere_is_named_as_it_was_given() -> None:
    assert Settings(model=Path("modles/a.tflite")).model_path == Path("modles/a.tflite")


def test_a_users_folder_is_found_for_every_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.toml").write_text('output = ["~/a.csv", "~root/b.csv"]\nmodel = "~/a.tflite"')
    settings = parsed("--config", "~/a.toml", "--source", "~/a.mp4")
    assert (settings.source, settings.model) == ((f"{tmp_path}/a.mp4",), tmp_path / "a.tflite")
    assert settings.output[0] == tmp_path / "a.csv"
    assert settings.output[1].is_absolute()


def test_an_output_that_is_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    for name, target in (("a.csv", "disk/b.csv"), ("b.csv", "a.csv"), ("loop.csv", "loop.csv")):
        (tmp_path / name).symlink_to(target)

    def output(name: str) -> Path:
        return Settings(output=(tmp_path / name,)).output[0]

    assert output("b.csv") == tmp_path.resolve() / "disk" / "b.csv"
    assert output("loop.csv").name == "loop.csv", "what is wrong is said where it is opened"
    with pytest.raises(SettingsError, match="found the same one twice"):
        Settings(output=(tmp_path / "a.csv", tmp_path / "b.csv"))


@pytest.mark.parametrize(
    "setting",
    [
        {"source": ("~no one/a",)},
        {"model": Path("~no one/a")},
        {"output": (Path("~no one/a.csv"),)},
    ],
)
def test_a_user_that_there_is_not_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"~no one/a.*: expected a path, found no such user"):
        Settings(**setting)


def test_a_model_that_cannot_be_seen_is_named_as_it_was_given() -> None:
    assert Settings(model=Path("long" * 99)).model_path == Path("long" * 99)


def test_the_products_own_model_is_found_from_another_folder(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings().model_path == repository / "models" / "Finalmodel.tflite"
