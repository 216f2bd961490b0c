"""What is compared. Only packages that come with their weights and name faces in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convert.variants import DEPLOYED as VARIANT
from convert.variants import variant_path
from train.recipes import DEPLOYED as RECIPE
from train.recipes import model_path

_ADAPTERS = "benchmarks.peers.adapters"


@dataclass(frozen=True, slots=True)
class Peer:
    """One row: what people call it, its distribution, its environment, its adapter.

    ``adapter`` is a module with the class ``adapter_class``, which takes ``arguments``; ``threads``
    says how many each of its networks has, ``None`` as many as the package chooses.
    """

    name: str
    package: str
    environment: Path
    adapter: str
    arguments: tuple[str, ...] = ()
    threads: int | None = None
    adapter_class: str = "Adapter"

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.environment / "bin/python"


def ours(name: str, recipe: str, adapter: str = "Adapter") -> Peer:
    """Return the runtime with the deployed variant of ``recipe``'s model, as a row ``name``."""
    model = variant_path(model_path(recipe), VARIANT)
    module, environment = f"{_ADAPTERS}.expressions", Path(".venv/edge")
    return Peer(name, "", environment, module, (str(model),), threads=1, adapter_class=adapter)


OF_A_FILE = "this project, a file's frames"
OURS = (
    ours("this project", RECIPE),
    ours(OF_A_FILE, RECIPE, "FileAdapter"),
    ours("this project, FER2013's labels alone", "fer2013"),
)
"""The others are compared with the first two."""
_FER = ("fer", Path(".venv/peers/fer"), f"{_ADAPTERS}.fer")
PEERS = (
    Peer("fer, Haar", *_FER, ("haar",)),
    Peer("fer, MTCNN", *_FER, ("mtcnn",)),
    # With two or more, torch's threads wait for each other in a busy loop, which takes ten times as
    # long where something else runs. So there is a row that does not depend on that.
    Peer("fer, MTCNN, one thread", *_FER, ("mtcnn",), threads=1),
    Peer("facex, Haar", "facex", Path(".venv/peers/facex"), f"{_ADAPTERS}.facex"),
    Peer(
        "what-the-face, Haar",
        "what_the_face_classification",
        Path(".venv/peers/what-the-face"),
        f"{_ADAPTERS}.what_the_face",
    ),
    Peer(
        "facial-emotion-recognition, MTCNN",
        "facial_emotion_recognition",
        Path(".venv/peers/facial-emotion-recognition"),
        f"{_ADAPTERS}.facial_emotion_recognition",
    ),
)
