"""A data set takes its place whole, or nothing changes, at any moment of a failure or a kill."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.train.archives import PUBLIC_LAYOUTS, dataset, noise, tree, write_files, write_zip
from tests.train.killed import run_killed
from train.archive import Source, download, open_source
from train.data import fingerprint, load_split
from train.errors import DatasetError
from train.install import install, install_from
from train.layout import EXPRESSIONS

OURS = {"train", "validation", "report.json", "files.txt"}


def breaking(source: Source, left: int, error: BaseException) -> Source:
    """``source`` ending with an error, as a full disk or Ctrl-C would, after ``left`` files."""
    remaining = [left]

    def read(name: str) -> bytes:
        remaining[0] -= 1
        if remaining[0] < 0:
            raise error
        return source.read(name)

    return dataclasses.replace(source, read=read)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An images folder with a data set, and a file and a split of the user's own."""
    install(write_files(tmp_path / "old", dataset(seed=1)), tmp_path / "images")
    (tmp_path / "images/README.md").write_text("mine")
    return write_files(tmp_path / "images", {f"test/{x}/1.png": noise(i) for i, x in _classes()})


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write_files(tmp_path / "new", dataset(seed=2))


def _classes() -> list[tuple[int, str]]:
    return list(enumerate(EXPRESSIONS))


@pytest.mark.parametrize("folders", PUBLIC_LAYOUTS.values(), ids=PUBLIC_LAYOUTS)
def test_from_an_archive(
    folders: tuple[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    archive = write_zip(tmp_path / "a.zip", dataset(*folders))
    report = install(archive, tmp_path / "some/images")
    images = tmp_path / "some/images"
    assert {path.name for path in images.iterdir()} == OURS
    expected = dataset("train", "validation")
    assert {k: v for k, v in tree(images).items() if k not in OURS} == expected
    splits = [load_split(images, name) for name in ("train", "validation")]
    written = json.loads((images / "report.json").read_text())
    assert written["fingerprint"] == report.fingerprint == fingerprint(*splits)
    assert f"{folders[1]} → validation" in caplog.messages[0]


def test_replaces_what_it_made_and_keeps_the_rest(old: Path, new: Path) -> None:
    before = tree(old)
    report = install(new, old)
    after = tree(old)
    assert after["train/angry/0.png"] == dataset(seed=2)["images/train/angry/0.png"]
    kept = {name for name in before if name.startswith(("test/", "README"))}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert {path.name for path in old.iterdir()} == OURS | {"README.md", "test"}
    assert report.splits["test"].images == len(EXPRESSIONS)
    assert report.fingerprint == fingerprint(
        load_split(old, "train"), load_split(old, "validation")
    )


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(28, "No space left on device"), DatasetError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_changes_nothing(
    error: BaseException, raised: type[BaseException], old: Path, new: Path
) -> None:
    before = tree(old)
    with open_source(new) as source, pytest.raises(raised):
        install_from(breaking(source, 9, error), old)
    assert tree(old) == before
    assert not list(old.glob(".*"))


def test_a_data_set_of_unreadable_images_changes_nothing(old: Path, tmp_path: Path) -> None:
    before = tree(old)
    bad = dataset(seed=3) | {"images/train/sad/1.png": b"no image"}
    with pytest.raises(DatasetError, match=r"1 of 14 \(train/sad/1\.png: not an image\)") as caught:
        install(write_zip(tmp_path / "bad.zip", bad), old)
    assert str(caught.value).startswith(f"{tmp_path / 'bad.zip'}: expected images")
    assert tree(old) == before


def test_images_of_somebody_else_are_not_replaced(new: Path, tmp_path: Path) -> None:
    images = write_files(tmp_path / "images", {"train/angry/mine.png": b"mine"})
    with pytest.raises(DatasetError, match="move what is yours away"):
        install(new, images)
    assert tree(images) == {"train/angry/mine.png": b"mine"}


@pytest.mark.parametrize("added", ["validation/sad/mine.jpg", "train/angry/notes.txt"])
def test_files_added_to_what_it_made_are_not_deleted(added: str, old: Path, new: Path) -> None:
    write_files(old, {added: b"mine"})
    (old / "train/sad/1.png").unlink()
    before = tree(old)
    with pytest.raises(DatasetError, match=rf"found 1 more, .*{added}; move"):
        install(new, old)
    assert tree(old) == before
    (old / added).unlink()
    install(new, old)


def test_unreadable_images_are_accounted_for(new: Path, tmp_path: Path) -> None:
    some = dataset(each=20) | {"images/train/sad/1.png": b"no image"}
    images = tmp_path / "images"
    install(write_zip(tmp_path / "some.zip", some), images)
    install(new, images)


@pytest.mark.parametrize("files", [b"", b"\xff", b"train/"])
def test_a_damaged_list_accounts_for_nothing(files: bytes, old: Path, new: Path) -> None:
    (old / "files.txt").write_bytes(files)
    with pytest.raises(DatasetError, match="found 14 more"):
        install(new, old)


def test_empty_folders_are_no_obstacle(new: Path, tmp_path: Path) -> None:
    (tmp_path / "images/train/angry").mkdir(parents=True)
    install(new, tmp_path / "images")
    assert (tmp_path / "images/train/angry/0.png").exists()


KILLED = """
import sys
from pathlib import Path
import cv2
from tests.train.killed import kill_at
from train.install import install

kill_at(sys.argv[1], int(sys.argv[2]), "images")
install(Path(sys.argv[3]), Path(sys.argv[4]))
"""


@pytest.mark.parametrize(
    ("event", "count"),
    # A file being written; each name that takes its place; what is old being deleted.
    [("open", 40), *(("os.rename", i) for i in (2, 3, 4, 8, 11)), ("shutil.rmtree", 2)],
)
def test_a_data_set_is_whole_or_the_old_one_after_a_kill(
    event: str, count: int, old: Path, new: Path
) -> None:
    before = images_of(tree(old))
    run_killed(KILLED, event, str(count), str(new), str(old))
    whole = {name.removeprefix("images/"): content for name, content in dataset(seed=2).items()}
    load_split(old, "train")
    assert images_of(tree(old)) in (before, whole)
    listed = set((old / "files.txt").read_text().split("\n"))
    assert {x for x in images_of(tree(old)) if not x.startswith("test/")} == listed
    install(new, old)
    assert images_of(tree(old)) == whole
    assert {path.name for path in old.iterdir()} == OURS | {"README.md", "test"}


def test_who_can_not_finish_it_says_so(old: Path, new: Path) -> None:
    run_killed(KILLED, "os.rename", "4", str(new), str(old))
    (old / ".ready/.gone").chmod(0)
    (old / ".ready/.gone").rename(old / "away")
    with pytest.raises(DatasetError, match="expected to finish a data set that was stopped"):
        load_split(old, "train")
    (old / "away").rename(old / ".ready/.gone")
    load_split(old, "train")


def test_a_test_split_of_the_old_one_goes(tmp_path: Path) -> None:
    parts = dataset("train", "test") | dataset("train", "validation")
    install(write_files(tmp_path / "three", parts), tmp_path / "images")
    assert (tmp_path / "images/test").is_dir()
    install(write_files(tmp_path / "two", dataset()), tmp_path / "images")
    assert {path.name for path in (tmp_path / "images").iterdir()} == OURS


def test_a_pipe_is_no_image_of_ours(old: Path, new: Path) -> None:
    os.mkfifo(old / "train/angry/pipe.png")
    with pytest.raises(DatasetError, match=r"found 1 more, .*pipe\.png"):
        install(new, old)
    with pytest.raises(DatasetError, match=r"pipe\.png: a pipe, a device or a socket"):
        load_split(old, "train")


def test_an_empty_file_is_an_image_that_can_not_be_read(new: Path, tmp_path: Path) -> None:
    (new / "images/train/angry/empty.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"1 of 15 \(train/angry/empty\.png: not an image\)"):
        install(new, tmp_path / "images")


def test_what_a_decoder_says_is_not_shown(
    new: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (new / "images/train/angry/half.png").write_bytes(noise(0)[:20])
    with pytest.raises(DatasetError, match="half"):
        install(new, tmp_path / "images")
    assert capfd.readouterr().err == ""


def test_a_pipe_in_a_folder_is_no_image(new: Path, tmp_path: Path) -> None:
    (new / "images/train/angry/zero.png").symlink_to("/dev/zero")
    with pytest.raises(DatasetError, match=r"zero\.png: expected an image, found: a pipe, a dev"):
        install(new, tmp_path / "images")


def images_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {k: v for k, v in files.items() if k.startswith(("train/", "validation/"))}


def test_ctrl_c_ends_with_a_line_and_leaves_nothing(old: Path, new: Path, repository: Path) -> None:
    before = tree(old)
    for name, content in dataset(each=100).items():
        (new / name).write_bytes(content)
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "train", "data", "--archive", str(new), "--images", str(old)],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "stopped\n")
    assert tree(old) == before


def test_an_images_folder_that_is_a_file(new: Path, tmp_path: Path) -> None:
    (tmp_path / "images").write_text("")
    with pytest.raises(DatasetError, match="expected to write"):
        install(new, tmp_path / "images")


def _failing(error: Exception) -> Callable[[str], str]:
    def fetch(_: str) -> str:
        raise error

    return fetch


def test_download_returns_the_folder(tmp_path: Path) -> None:
    asked: list[str] = []
    assert download("a/b", lambda handle: asked.append(handle) or str(tmp_path)) == tmp_path
    assert asked == ["a/b"]


def test_download_failures_are_one_line() -> None:
    from kagglehub.exceptions import CredentialError
    from requests import ConnectionError as NoConnection

    for error, finding in (
        (NoConnection("no route\nretries"), "no route"),
        (ValueError("Invalid dataset handle"), "Invalid dataset handle"),
        (CredentialError("who\nare you"), "who"),
    ):
        with pytest.raises(DatasetError, match=f"'a/b'.*found: {finding};") as caught:
            download("a/b", _failing(error))
        assert "\n" not in str(caught.value)
