"""A training leaves its curves, its confusion matrix and its figures beside the model."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from train.report import write_report


def test_all_files_are_written_whole(tmp_path: Path) -> None:
    matrix = (np.eye(7, dtype=int) * 10 + 1).tolist()
    per_class = {name: {} for name in "abcdefg"}
    report = {"validation": {"confusion_matrix": matrix, "per_class": per_class}}
    history = {name: [1.0, 0.5] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    write_report(tmp_path / "m", report, history)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        *("m_report.json", "m_log.csv", "m_loss.png", "m_accuracy.png", "m_confusion.png"),
    }
    assert json.loads((tmp_path / "m_report.json").read_text()) == report
    assert (tmp_path / "m_log.csv").read_text().splitlines()[-1] == "2,0.5,0.5,0.5,0.5"
    for name in names - {"m_report.json", "m_log.csv"}:
        assert cv2.imread(str(tmp_path / name)).std() > 5
