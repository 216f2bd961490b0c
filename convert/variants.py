"""The names of the converted files. Light: it imports no TensorFlow."""

from __future__ import annotations

from pathlib import Path

DEPLOYED = "int8"
NAMES = ("float32", "float16", "dynamic", DEPLOYED)


def variant_path(h5: Path, variant: str) -> Path:
    """``Finalmodel.h5`` → ``Finalmodel.tflite`` for int8, ``Finalmodel_<variant>.tflite`` else."""
    return h5.with_name(h5.stem + ("" if variant == DEPLOYED else f"_{variant}") + ".tflite")
