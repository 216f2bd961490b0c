"""The contract survives its journey, and nothing else passes for one."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract import LABELS_MEMBER, MEMBER, Framing, ModelContract, embed, extract
from edge.errors import ContractError

CONTRACT = ModelContract(
    labels=("angry", "happy", "sad"),
    height=48,
    width=48,
    channels=1,
    framings={"blazeface": Framing(1.19, 0.01, -0.09)},
    temperature=1.7,
    uncertain_below=0.4,
    provenance={"recipe": {"name": "seed", "widths": [64]}, "seed": 3},
)
MODEL = b"\x1c\0\0\0TFL3" + bytes(range(256))

letters = st.text(st.characters(categories=("L", "N")), min_size=1)


@given(st.lists(letters, min_size=2, unique=True), st.floats(0.05, 20), st.floats(0.5, 3))
def test_json_round_trip(labels: list[str], temperature: float, scale: float) -> None:
    contract = dataclasses.replace(
        CONTRACT,
        labels=tuple(labels),
        temperature=temperature,
        framings={"blazeface": Framing(scale)},
    )
    assert ModelContract.from_json(contract.to_json()) == contract


def test_the_tail_leaves_the_flatbuffer_as_it_was() -> None:
    content = embed(MODEL, CONTRACT)
    assert content.startswith(MODEL)
    digest = hashlib.sha256(MODEL).hexdigest()
    assert extract(content) == dataclasses.replace(CONTRACT, graph_sha256=digest)
    assert content == embed(MODEL, CONTRACT), "equal inputs give equal bytes"


def test_other_tools_find_the_labels(tmp_path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(embed(MODEL, CONTRACT))
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [MEMBER, LABELS_MEMBER]
        assert archive.read(LABELS_MEMBER).decode().split() == list(CONTRACT.labels)


def with_labels(*texts: bytes) -> bytes:
    """A model with ``texts``, if any, in the place of its ``labels.txt``."""
    contract = dataclasses.replace(CONTRACT, graph_sha256=hashlib.sha256(MODEL).hexdigest())
    buffer = io.BytesIO(MODEL)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(MEMBER, contract.to_json())
        for text in texts:
            archive.writestr(LABELS_MEMBER, text)
    return buffer.getvalue()


@pytest.mark.parametrize("texts", [(), (b"angry\nhappy\nsad",), (b"angry\r\nhappy\r\nsad\r\n",)])
def test_labels_for_other_tools_may_be_missing_or_end_differently(texts: tuple[bytes, ...]) -> None:
    assert extract(with_labels(*texts)).labels == CONTRACT.labels


@pytest.mark.parametrize("text", [b"", b"happy\nangry\nsad\n", b"angry\nhappy\n", b"\xff\n"])
def test_labels_that_other_tools_read_differently_are_refused(text: bytes) -> None:
    with pytest.raises(ContractError, match=r"labels\.txt: expected the labels of the contract"):
        extract(with_labels(text))


@pytest.mark.parametrize("content", [b"", MODEL, b"PK\x05\x06", MODEL + b"PK\x03\x04" * 9])
def test_a_file_without_a_contract_is_refused(content: bytes) -> None:
    with pytest.raises(ContractError, match="make convert"):
        extract(content)


def test_a_file_that_was_cut_short_is_to_be_copied_again() -> None:
    with pytest.raises(ContractError, match="copy it again"):
        extract(embed(MODEL, CONTRACT)[:-40])


@given(st.integers(0, len(MODEL) - 1), st.integers(1, 255))
def test_a_flipped_byte_of_the_graph_is_noticed(place: int, flip: int) -> None:
    content = bytearray(embed(MODEL, CONTRACT))
    content[place] ^= flip
    with pytest.raises(ContractError, match="damaged"):
        extract(bytes(content))


@given(st.binary(max_size=400), st.integers(0, 10_000), st.integers(1, 255))
def test_damage_anywhere_is_refused_or_harmless(junk: bytes, place: int, flip: int) -> None:
    content = bytearray(embed(MODEL, CONTRACT) + junk)
    content[place % len(content)] ^= flip
    with contextlib.suppress(ContractError):
        extract(bytes(content))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 1),
        ("labels", ("happy",)),
        ("labels", ("happy", "happy")),
        ("labels", ("happy", "\x1b[2J")),
        ("labels", ("happy", "")),
        ("labels", ("happy", " ")),
        ("height", 0),
        ("width", 48.5),
        ("channels", 3),
        ("temperature", float("nan")),
        ("temperature", 0.0),
        ("uncertain_below", 1.0),
    ],
)
def test_values_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(ContractError, match="expected"):
        dataclasses.replace(CONTRACT, **{field: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "1" * 400),
        ("temperature", "1" * 5000),
        ("temperature", "NaN"),
        ("hold", "-Infinity"),
        ("framings", "[1]"),
        ("provenance", "[1]"),
        ("provenance", "[" * 100_000),
    ],
)
def test_json_that_no_conversion_writes_is_refused_in_one_line(name: str, value: str) -> None:
    values = json.loads(CONTRACT.to_json()) | {name: "here"}
    with pytest.raises(ContractError, match="contract: expected") as caught:
        ModelContract.from_json(json.dumps(values).replace('"here"', value))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("change", [{"scale": 0.1}, {"offset_y": 2}, {"size": 1}])
def test_framing_out_of_range_is_refused(change: dict[str, float]) -> None:
    fields = json.loads(CONTRACT.to_json())
    with pytest.raises(ContractError):
        ModelContract.from_json(
            json.dumps(fields | {"framings": {"a": fields["framings"]["blazeface"] | change}})
        )


REQUIRED = sorted({field.name for field in dataclasses.fields(ModelContract)} - {"hold"})


def test_a_file_from_before_holds_for_the_usual_time() -> None:
    fields = json.loads(replace(CONTRACT, hold=0.3).to_json())
    assert ModelContract.from_json(json.dumps(fields)).hold == 0.3
    del fields["hold"]
    assert ModelContract.from_json(json.dumps(fields)).hold == 0.06


@pytest.mark.parametrize("name", REQUIRED)
def test_no_default_stands_in_for_what_is_missing(name: str) -> None:
    fields = json.loads(CONTRACT.to_json())
    del fields[name]
    with pytest.raises(ContractError, match=f"found none of {name}; convert"):
        ModelContract.from_json(json.dumps(fields))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"framings": {"blazeface": {}}}, "found none of offset_x, offset_y, rotate, scale"),
        ({"labels": "angrysd"}, "expected a list of labels, found 'angrysd'; convert"),
        ({"labels": {"angry": 0, "sad": 1}}, "expected a list of labels"),
    ],
)
def test_a_contract_that_is_not_whole_is_refused(change: dict[str, object], found: str) -> None:
    fields = json.loads(CONTRACT.to_json()) | change
    with pytest.raises(ContractError, match=found):
        ModelContract.from_json(json.dumps(fields))


def test_a_detector_without_a_framing_of_its_own_is_refused() -> None:
    assert CONTRACT.framing("blazeface").scale == 1.19
    with pytest.raises(ContractError, match="for the detector 'yunet', found those of blazeface"):
        CONTRACT.framing("yunet")


@pytest.mark.parametrize("text", ["", "[]", "null", '"x"', "{}", '{"labels": 7}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ContractError):
        ModelContract.from_json(text)
