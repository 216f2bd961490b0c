"""What is compared. Only packages that come with their weights and name faces in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convert.variants import DEPLOYED as VARIANT
from convert.variants import variant_path
from train.recipes import DEPLOYED as RECIPE
from train.recipes import model_path

_OURS, _FER = "ours", "fer"


@dataclass(frozen=True, slots=True)
class Peer:
    """One row: its name for people, its distribution, its environment, its adapter.

    ``adapter`` is a module of ``benchmarks.peers.adapters`` with the class ``kind``, which takes
    ``arguments``; ``threads`` are those of each of its networks, None as many as it chooses.
    """

    name: str
    package: str
    environment: Path
    adapter: str
    arguments: tuple[str, ...] = ()
    threads: int | None = None
    kind: str = "Adapter"


def _ours(name: str, recipe: str, kind: str = "Adapter") -> Peer:
    model = variant_path(model_path(recipe), VARIANT)
    return Peer(name, "", Path(".venv/edge"), _OURS, (str(model),), threads=1, kind=kind)


def _peer(
    name: str, package: str, adapter: str, *arguments: str, threads: int | None = None
) -> Peer:
    environment = Path(".venv/peers") / adapter.replace("_", "-")
    return Peer(name, package, environment, adapter, arguments, threads)


OURS = (
    _ours("this project", RECIPE),
    _ours("this project, a file's frames", RECIPE, "FileAdapter"),
    _ours("this project, FER2013's labels alone", "fer2013"),
)
"""The others are compared with the first two."""
PEERS = (
    _peer("fer, Haar", "fer", _FER, "haar"),
    _peer("fer, MTCNN", "fer", _FER, "mtcnn"),
    # With two or more, torch's threads wait for each other in a busy loop, which takes ten times as
    # long where something else runs. So there is a row that does not depend on that.
    _peer("fer, MTCNN, one thread", "fer", _FER, "mtcnn", threads=1),
    _peer("facex, Haar", "facex", "facex"),
    _peer("what-the-face, Haar", "what_the_face_classification", "what_the_face"),
    _peer(
        "facial-emotion-recognition, MTCNN",
        "facial_emotion_recognition",
        "facial_emotion_recognition",
    ),
)
