"""The runtime as a whole: what a frame costs beyond its two networks, and what it costs a device.

Ratios are between medians of things that were measured in turn in one run, so that a disturbance
of the machine falls on both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.reference import open_reference
from benchmarks.turns import Scene, take_turns
from benchmarks.uncertainty import flat, percentile_intervals, percentiles
from edge.assembly import build_pipeline, networks_at_once, open_crew
from edge.detectors.blazeface import BlazeFace
from edge.frames import Image
from edge.interpreter import open_model
from edge.settings import Settings


def stages(
    content: bytes, images: Mapping[int, Sequence[Image]], rounds: int, seconds: float
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Time whole frames and the bare networks; ``content`` is a classifier's file.

    ``images`` are those of each number of faces. In a round each number has a block of frames and
    then as many calls of the bare detector and classifier, so that neither a frame and its networks
    nor one face and five are compared across different moments of the machine. The rounds are fewer
    where the frames of each number have taken ``seconds`` before. Returns the figures of each
    number of faces, and its samples by the round.
    """
    settings = Settings()
    crew, detector = open_crew(content, "classifier", settings), BlazeFace()
    networks: dict[str, Callable[[], object]] = {
        "detector": open_reference(1),
        "classifier": open_model(content, "classifier").invoke,
    }
    scenes = [
        Scene(faces, own, build_pipeline(detector, crew, settings), networks)
        for faces, own in images.items()
    ]
    take_turns(scenes, rounds, seconds)
    return [(figures(scene, networks_at_once(settings)), _samples(scene)) for scene in scenes]


def figures(scene: Scene, at_once: int) -> dict[str, Any]:
    """The figures of a ``scene`` whose faces share so many classifiers, ready for JSON.

    ``over_networks`` is the frame's median as a multiple of what the networks take by their
    medians: one call of the detector, and ``classifier_calls`` of the classifier. Those are as many
    as follow one after the other where ``at_once`` are at work at the same time, none for no face;
    one for faces that are left over has all cores and takes less than the bare call.
    """
    bare = {name: percentiles(flat(rounds)) for name, rounds in scene.beside_ms.items()}
    calls = math.ceil(scene.faces / at_once)
    frame = percentiles(flat(scene.frame_ms))
    return {
        "faces": scene.faces,
        "found": scene.found,
        "frame_ms": frame,
        "frame_ms_interval": percentile_intervals(scene.frame_ms),
        "stage_ms": {name: percentiles(flat(rounds)) for name, rounds in scene.stage_ms.items()},
        "invoke_ms": bare,
        "classifier_calls": calls,
        "over_networks": frame["p50"]
        / (bare["detector"]["p50"] + calls * bare["classifier"]["p50"]),
    }


def _samples(scene: Scene) -> dict[str, Any]:
    return {
        "frame_ms": scene.frame_ms,
        "stage_ms": scene.stage_ms,
        "reference_ms": scene.beside_ms["detector"],
        "classifier_ms": scene.beside_ms["classifier"],
    }
