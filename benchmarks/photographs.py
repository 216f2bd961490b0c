"""How good the deployed files are on labelled photographs, cut out as the runtime does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from benchmarks import machine, stats
from benchmarks.candidates import DEPLOYED_MODEL, Candidate
from benchmarks.certainty import Certainty, certainty
from benchmarks.errors import BenchmarkError, PhotographsError
from benchmarks.evaluate import open_candidate
from benchmarks.labelled import Labelled, Photograph, open_labelled
from benchmarks.results import Estimate, Origin
from convert.variants import DEPLOYED
from edge.contract import Framing, ModelContract
from edge.protocols import Detector
from edge.types import Face, Floats, Image
from edge.vision.classifier import TFLiteClassifier
from edge.vision.crops import crop_faces
from edge.vision.search import FaceSearch, SearchOptions, find_faces
from train.metrics import surest
from train.provenance import digest

NAME = "photographs.json"
SCALES = (0.85, 0.92, 1.0, 1.08)
"""Of the contract's framing; 1 is the runtime's own."""
_FRAMING = "blazeface"
_FEWEST = 50
"""Faces from which on a label counts by itself."""
_MISTAKES = 100
_LEVEL = np.array([(0, 0), (1, 0), *[(0, 0)] * 4], np.float32)
"""Key points of a face of which the box alone is known: its eyes are level."""
Crops = NDArray[np.uint8]
Bools = NDArray[np.bool_]


class Named(Struct, frozen=True):
    """Top-1 and mean recall of the labels that count, and the recall of every label."""

    top1: Estimate
    macro_recall: Estimate
    recall: dict[str, Estimate]


class Scaled(Struct, frozen=True, array_like=True):
    """The same two figures with the framing's square enlarged to ``scale`` of itself."""

    scale: float
    top1: float
    macro_recall: float


class Model(Struct, frozen=True):
    """One model: by the crop alone and averaged with its mirror image.

    ``confusion`` has a row for each true label, in the order of ``labels``.
    """

    labels: list[str]
    alone: Named
    mirrored: Named
    scales: list[Scaled]
    certainty: Certainty
    confusion: list[list[int]]


class Mistake(Struct, frozen=True, array_like=True):
    """A face with its label, the label that was given, and the probability of that."""

    file: str
    label: str
    said: str
    probability: float


class Photographs(Struct, frozen=True, tag_field="format", tag="photographs-1"):
    """A set of photographs and what the deployed files say of it.

    ``sha256`` is of the archive ``name``, or of the folder's CSV file. ``classes`` are the labels
    that count in totals, ``faces`` and ``not_found`` the pictures of each label with and without a
    face. ``mistakes`` are the most confident ones of ``deployed``.
    """

    origin: Origin
    name: str
    sha256: str
    models: dict[str, str]
    boxes_given: bool
    classes: list[str]
    faces: dict[str, int]
    not_found: dict[str, int]
    results: dict[str, Model]
    deployed: str
    mistakes: list[Mistake]

    @property
    def counted(self) -> int:
        """How many faces count in totals."""
        return sum(self.faces[label] for label in self.classes)


class _View(NamedTuple):
    """A way to cut a face out."""

    framing: Framing
    height: int
    width: int


class _Faces(NamedTuple):
    """The photographs with a face, and their ``uint8[n, h, w, 1]`` by view."""

    photographs: Sequence[Photograph]
    crops: Mapping[_View, Crops]


def evaluate(
    path: Path,
    models: Sequence[Path],
    classes: Sequence[str],
    detector: Detector,
    open_one: Callable[[Candidate], TFLiteClassifier] = open_candidate,
) -> Photographs:
    """Measure the int8 file of each of ``models`` (h5 paths) on the set at ``path``.

    ``classes`` are the labels that count in totals, by default those of 50 faces or more;
    ``detector`` finds the faces where the set has no boxes.
    Raises ``BenchmarkError`` and ``EdgeError``.
    """
    with open_labelled(path) as labelled:
        if not models:
            raise BenchmarkError("models: expected one at least, found none; run 'make train'")
        files = [Candidate(h5, DEPLOYED) for h5 in models]
        classifiers = {each.h5.stem: open_one(each) for each in files}
        for each in classifiers.values():
            _check_labels(labelled, each.labels)
        views = {view for each in classifiers.values() for view in _views(each.contract)}
        found = _faces(labelled, views, detector)
    deployed = (DEPLOYED_MODEL if DEPLOYED_MODEL in models else models[-1]).stem
    faces = Counter(each.label for each in found.photographs)
    everyone = Counter(each.label for each in labelled.photographs)
    names = [name for name in classifiers[deployed].labels if name in everyone]
    counted = _counted(labelled.name, {name: faces[name] for name in names}, classes)
    return Photographs(
        origin=machine.origin(),
        name=labelled.name,
        sha256=labelled.sha256,
        models={each.path.name: digest(each.path) for each in files},
        boxes_given=all(each.box for each in labelled.photographs),
        classes=[name for name in names if name in counted],
        faces={name: faces[name] for name in names},
        not_found={name: everyone[name] - faces[name] for name in names},
        results={name: _model(each, found, counted) for name, each in classifiers.items()},
        deployed=deployed,
        mistakes=_mistakes(classifiers[deployed], found, counted),
    )


def mistakes_by_label(found: Photographs) -> list[tuple[str, str, int]]:
    """Return label, what was said, and how many of the mistakes are such, most first."""
    counts = Counter((each.label, each.said) for each in found.mistakes)
    return [(label, said, count) for (label, said), count in counts.most_common()]


def _check_labels(labelled: Labelled, known: Sequence[str]) -> None:
    unknown = sorted({each.label for each in labelled.photographs} - set(known))
    if unknown:
        raise PhotographsError(
            f"{labelled.name}: expected labels of {', '.join(known)}, found "
            f"{', '.join(map(repr, unknown))}; rename them, or take their rows out"
        )


def _counted(name: str, faces: Mapping[str, int], classes: Sequence[str]) -> set[str]:
    counted = set(classes) or {label for label, count in faces.items() if count >= _FEWEST}
    numbers = ", ".join(f"{label} {count}" for label, count in faces.items())
    if not counted:
        raise PhotographsError(
            f"{name}: expected {_FEWEST} faces of a label at least, found {numbers}; "
            "name the labels that count by --classes (CLASSES= of make)"
        )
    missing = sorted(label for label in counted if not faces.get(label))
    if missing:
        raise PhotographsError(
            f"{name}: expected faces of {', '.join(missing)}, found {numbers}; "
            "name others by --classes (CLASSES= of make)"
        )
    return counted


def _views(contract: ModelContract) -> list[_View]:
    """How a model's faces are cut out at each of ``SCALES``."""
    framing = contract.framing(_FRAMING)
    return [
        _View(replace(framing, scale=framing.scale * scale), contract.height, contract.width)
        for scale in SCALES
    ]


def _faces(labelled: Labelled, views: Iterable[_View], detector: Detector) -> _Faces:
    search = FaceSearch(SearchOptions(), detector)
    kept: list[Photograph] = []
    crops: dict[_View, list[Crops]] = {view: [] for view in views}
    for photograph in labelled.photographs:
        image = labelled.image(photograph)
        face = _face(photograph, image, search, detector)
        if face is None:
            continue
        kept.append(photograph)
        for view, own in crops.items():
            own.append(crop_faces(image, [face], *view))
    if not kept:
        raise PhotographsError(
            f"{labelled.name}: expected faces, found none in {len(labelled.photographs)} pictures; "
            "give their boxes in the columns left, top, right and bottom"
        )
    return _Faces(kept, {view: np.concatenate(own) for view, own in crops.items()})


def _face(
    photograph: Photograph, image: Image, search: FaceSearch, detector: Detector
) -> Face | None:
    """The face of the CSV file's box, else the largest that the product finds."""
    if photograph.box:
        return Face(photograph.box, 1.0, _LEVEL)
    found = find_faces(detector, image, search.full(image))
    return max(found, key=lambda face: face.box.area, default=None)


def _model(classifier: TFLiteClassifier, faces: _Faces, classes: set[str]) -> Model:
    labels, counted = _truth(classifier, faces, classes)
    crops = dict(zip(SCALES, (faces.crops[v] for v in _views(classifier.contract)), strict=True))
    rows = {scale: classifier.classify(own) for scale, own in crops.items()}
    mirrored = classifier.classify(np.ascontiguousarray(crops[1.0][:, :, ::-1]))
    both = np.asarray((rows[1.0] + mirrored) / 2, np.float32)
    names = classifier.labels
    named = {scale: _named(own, labels, counted, names) for scale, own in rows.items()}
    return Model(
        labels=list(names),
        alone=named[1.0],
        mirrored=_named(both, labels, counted, names),
        scales=[
            Scaled(scale, own.top1.value, own.macro_recall.value) for scale, own in named.items()
        ],
        certainty=certainty(
            rows[1.0][counted], labels[counted], classifier.contract.uncertain_below
        ),
        confusion=stats.confusion(labels, rows[1.0].argmax(axis=1), len(names)).tolist(),
    )


def _truth(
    classifier: TFLiteClassifier, faces: _Faces, classes: set[str]
) -> tuple[NDArray[np.int64], Bools]:
    """Labels ``int64[n]`` in the order of the model's own, and which of the faces count."""
    labels = [classifier.labels.index(each.label) for each in faces.photographs]
    return np.array(labels, np.int64), np.array([p.label in classes for p in faces.photographs])


def _named(
    probabilities: Floats, labels: NDArray[np.int64], counted: Bools, names: Sequence[str]
) -> Named:
    right = np.asarray(probabilities.argmax(axis=1) == labels)
    return Named(
        top1=stats.share(right[counted]),
        macro_recall=stats.macro_recall(right[counted], labels[counted]),
        recall={names[index]: stats.share(right[labels == index]) for index in np.unique(labels)},
    )


def _mistakes(classifier: TFLiteClassifier, faces: _Faces, classes: set[str]) -> list[Mistake]:
    """The most confident ones among the faces that count, the most confident first."""
    labels, counted = _truth(classifier, faces, classes)
    own = _views(classifier.contract)[SCALES.index(1.0)]
    probabilities = classifier.classify(faces.crops[own])
    top, said = probabilities.max(axis=1), probabilities.argmax(axis=1)
    chosen = surest(probabilities, counted & (said != labels), _MISTAKES)
    return [
        Mistake(
            faces.photographs[place].file,
            faces.photographs[place].label,
            classifier.labels[said[place]],
            round(float(top[place]), 4),
        )
        for place in chosen
    ]
