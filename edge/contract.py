"""What a model file says about itself, and how it travels inside the file.

Training defines the contract once; it travels as a JSON attribute of the ``.h5`` and as an
associated file in the ZIP tail of the ``.tflite`` (the convention of TFLite Metadata,
https://ai.google.dev/edge/litert/conversion/tensorflow/metadata), beside ``labels.txt``, which
other tools read. Standard library only, so that every package can import it.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from edge.errors import ContractError, first_line

MEMBER = "contract.json"
LABELS_MEMBER = "labels.txt"
H5_ATTRIBUTE = "contract"
VERSION = 2
HOLD = 0.06
"""Seconds, of a file that does not say: a frame or two, which is what calm costs in accuracy."""
_MAX_MEMBER_BYTES = 1 << 20
ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, EOFError, OSError)
"""What reading a damaged ZIP raises, or one of a kind that Python can't read; ``KeyError`` where a
member is missing comes on top."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How one detector's box becomes the square that training saw.

    The square's side is ``scale`` times the box's; its centre lies ``offset_x`` and ``offset_y``
    box sides to the right of and below the box's centre. ``rotate`` levels the eyes first.
    """

    scale: float = 1.0
    offset_x: float = 0.0
    offset_y: float = 0.0
    rotate: bool = False

    def __post_init__(self) -> None:
        """Check the ranges; raises ``ContractError``."""
        if not (0.5 <= self.scale <= 3 and abs(self.offset_x) <= 1 and abs(self.offset_y) <= 1):
            raise ContractError(
                f"framing: expected scale in 0.5…3 and offsets in -1…1, found {self}; "
                "derive it again with 'make train'"
            )


@dataclass(frozen=True, slots=True)
class ModelContract:
    """What the runtime must know to use a model.

    The input is raw ``uint8`` grey pixels ``[height, width, channels]`` in 0…255 (scaling is in the
    graph). The output is one value per label, in this order: logits, of which
    ``softmax(logits / temperature)`` is calibrated (Guo et al. 2017, arXiv 1706.04599). A label
    whose probability is below ``uncertain_below`` is not certain; in a video another label must
    lead for ``hold`` seconds before it is shown (older files do not say: 0.06). ``framings`` maps
    the name of a detector ("blazeface") to the framing that was derived from its boxes.
    ``provenance`` says where the model comes from: hashes, commit, recipe, seed, data fingerprint,
    validation metrics.
    ``graph_sha256`` is that of the flatbuffer it travels in, set by ``embed``; in the ``.h5`` it is
    over the network's configuration and weights.
    """

    labels: tuple[str, ...]
    height: int
    width: int
    channels: int
    framings: Mapping[str, Framing] = field(default_factory=dict)
    temperature: float = 1.0
    uncertain_below: float = 0.0
    hold: float = HOLD
    provenance: Mapping[str, Any] = field(default_factory=dict)
    graph_sha256: str = ""
    version: int = VERSION

    def __post_init__(self) -> None:
        """Check the ranges; raises ``ContractError``."""
        for problem in self._problems():
            raise ContractError(f"contract: {problem}; convert the model again with 'make convert'")

    def _problems(self) -> Iterator[str]:
        if self.version != VERSION:
            yield f"expected version {VERSION}, found {self.version!r}"
        if not isinstance(self.labels, tuple):
            yield f"expected a list of labels, found {self.labels!r}"
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            yield f"expected two or more different labels, found {self.labels!r}"
        if not all(isinstance(label, str) and label.isprintable() for label in self.labels):
            yield f"expected printable labels, found {self.labels!r}"
        if not all(map(str.strip, self.labels)):
            yield f"expected labels other than '', found {self.labels!r}"
        sizes = (self.height, self.width, self.channels)
        if not all(isinstance(n, int) and 1 <= n <= 1024 for n in sizes) or self.channels != 1:
            yield f"expected a grey input of at most 1024×1024, found {sizes}"
        if not (math.isfinite(self.temperature) and 0.05 <= self.temperature <= 20):
            yield f"expected a temperature in 0.05…20, found {self.temperature!r}"
        if not 0 <= self.uncertain_below < 1:
            yield f"expected uncertain_below in 0…1, found {self.uncertain_below!r}"
        if not 0 <= self.hold <= 10:
            yield f"expected a hold of 0…10 s, found {self.hold!r}"
        if not isinstance(self.provenance, Mapping):
            yield f"expected a table of where it comes from, found {self.provenance!r}"

    def framing(self, detector: str) -> Framing:
        """Return the framing for the boxes of ``detector``; raises ``ContractError``."""
        try:
            return self.framings[detector]
        except KeyError:
            raise ContractError(
                f"contract: expected a framing for the detector {detector!r}, found those of "
                f"{', '.join(self.framings) or 'none'}; choose one of them, or train with it"
            ) from None

    def to_json(self) -> str:
        """Return the contract as JSON text with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelContract:
        """Read what ``to_json`` wrote; raises ``ContractError``."""
        try:
            values = _whole({"hold": HOLD, **json.loads(text)}, cls)
            values["framings"] = {
                name: Framing(**_whole(framing, Framing))
                for name, framing in {**values["framings"]}.items()
            }
            if isinstance(values["labels"], list):
                values["labels"] = tuple(values["labels"])
            return cls(**values)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise ContractError(
                "contract: expected the JSON that 'make convert' writes, found "
                f"{first_line(error)}; convert the model again"
            ) from error


def _whole(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return ``values`` where every field of ``kind`` is among them: no default may stand in.

    Raises ``TypeError``.
    """
    if missing := {field.name for field in fields(kind)} - set(values):
        raise TypeError(f"none of {', '.join(sorted(missing))}")
    return dict(values)


def embed(model: bytes, contract: ModelContract) -> bytes:
    """Append ``contract`` and ``labels.txt`` to a ``.tflite`` as a ZIP tail.

    The flatbuffer's own bytes do not change; members are stored uncompressed with a fixed date, so
    that equal inputs give equal bytes.
    """
    contract = replace(contract, graph_sha256=hashlib.sha256(model).hexdigest())
    members = {MEMBER: contract.to_json(), LABELS_MEMBER: "\n".join(contract.labels) + "\n"}
    buffer = io.BytesIO(model)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def extract(model: bytes) -> ModelContract:
    """Read the contract from the ZIP tail of a ``.tflite``, and check that the graph is its own.

    A flatbuffer with flipped bytes often loads and runs, and crashes older interpreters; so its
    hash is compared before one opens it. Raises ``ContractError``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(model)) as archive:
            contract = ModelContract.from_json(_read(archive, MEMBER))
            if LABELS_MEMBER in archive.namelist():
                _check_labels(_read(archive, LABELS_MEMBER), contract)
            graph = model[: min(member.header_offset for member in archive.infolist())]
    except (*ZIP_DAMAGE, KeyError, RuntimeError) as error:
        raise ContractError(
            "contract: expected one at the end of the model file, found none; where the file was "
            "cut short copy it again, else use a model written by 'make convert'"
        ) from error
    if hashlib.sha256(graph).hexdigest() != contract.graph_sha256:
        raise ContractError(
            "contract: expected the graph that was converted, found other bytes; the file is "
            "damaged: copy it again, or run 'make convert'"
        )
    return contract


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member that isn't too large; raises ``ContractError``, and ``KeyError``."""
    member = archive.getinfo(name)
    if member.file_size > _MAX_MEMBER_BYTES or member.compress_type != zipfile.ZIP_STORED:
        raise ContractError(
            f"{name}: expected at most {_MAX_MEMBER_BYTES} bytes, not compressed, found "
            f"{member.file_size}; use a model written by 'make convert'"
        )
    return archive.read(name)


def _check_labels(text: bytes, contract: ModelContract) -> None:
    """Raise ``ContractError`` unless ``text``, what other tools read, has the same labels."""
    found = tuple(text.decode(errors="replace").splitlines())
    if found != contract.labels:
        raise ContractError(
            f"{LABELS_MEMBER}: expected the labels of the contract, {', '.join(contract.labels)}, "
            f"found {', '.join(found) or 'none'}; convert the model again with 'make convert'"
        )
