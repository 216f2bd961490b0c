"""The command of the conversion. The only place in convert that prints results."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import cyclopts
from rich import box
from rich.table import Table

from convert.errors import AdoptionError, ParityError
from convert.parity import LIMITS, Parity
from convert.variants import variant_path
from edge.text import say
from train.cli import import_tensorflow, show
from train.native import native_stderr_hidden
from train.recipes import IMAGES, choose_recipe, find_recipe, model_path

app = cyclopts.App(name="convert", help="Turn Finalmodel.h5 into TFLite files.", version_flags=())


@app.default
def main(
    model: Path | None = None,
    *,
    recipe: str = "",
    images: Path | None = None,
    labels: str = "",
    input_range: str = "",
) -> None:
    """Write the float32, float16, dynamic-range and int8 files beside MODEL, or none of them.

    Parameters
    ----------
    model
        The file that "make train" wrote. Without it, the one of RECIPE in models/. With LABELS, a
        model that something else wrote: .h5, .hdf5 or .keras.
    recipe
        Whose model to convert, as for "make train".
    images
        The images that it was trained on: those of train/ calibrate, those of validation/ are what
        the parity gate is measured on. Without it those of "make data"; for a model that something
        else wrote none, and then there is no int8 file.
    labels
        What the outputs of such a model mean, in their order: "angry,disgust,happy".
    input_range
        What it takes for black and white: 0..1, 0..255 or -1..1.
    """
    if (labels or input_range) and not model:
        raise AdoptionError(
            "H5: expected the model that LABELS and INPUT are of, found nothing; give H5=…"
        )
    model = model or model_path(find_recipe(choose_recipe(recipe, None, images)).name)
    import_tensorflow()
    say(f"converting {model}")
    if labels or input_range:
        model = _adopt(model, labels, input_range, images)
        if not images:
            _convert_unmeasured(model)
            return
    _convert(model, images or IMAGES)


def _adopt(source: Path, labels: str, values: str, images: Path | None) -> Path:
    from convert.adopt import adopt, parse_labels  # noqa: PLC0415 - behind the quiet import
    from edge.vision.blazeface import BlazeFace  # noqa: PLC0415

    with native_stderr_hidden():
        detector = BlazeFace()
    model = adopt(source, parse_labels(labels), values, images, detector)
    say(f"wrote {model}, the same network with its contract")
    return model


def _convert_unmeasured(model: Path) -> None:
    from convert.conversion import convert_unmeasured  # noqa: PLC0415 - behind the quiet import

    for path in convert_unmeasured(model):
        say(f"wrote {path}")
    deployed = variant_path(model, "float32")
    say(
        "The parity gate was not run, and there is no int8 file: both need images of the same "
        "classes, DATA=folder.",
        f"Deploy {deployed}, which computes what the model does: "
        f"make run-edge ARGS={shlex.quote(f'--model {deployed}')}",
    )


def _convert(model: Path, images: Path) -> None:
    from convert.conversion import convert  # noqa: PLC0415 - behind the quiet import

    try:
        rows = convert(model, images)
    except ParityError as error:
        _print_table(error.rows)
        raise
    _print_table(rows)
    for row in rows:
        say(f"wrote {variant_path(model, row.variant)}")


def _print_table(rows: Sequence[Parity]) -> None:
    table = Table(
        title="Against the h5 on the validation split (lost: points of top-1)",
        box=box.SIMPLE,
    )
    for column in ("variant", "top-1", "F1", "agreement", "lost", "limits", "gate"):
        table.add_column(column, justify="left" if column == "variant" else "right", no_wrap=True)
    for row in rows:
        limits = LIMITS[row.variant]
        table.add_row(
            row.variant,
            f"{row.figures['top1']:.2%}",
            f"{row.figures['macro_f1']:.3f}",
            f"{row.agreement:.2%}",
            f"{row.drop:.2f}",
            f"≥ {limits.agreement:.1%}, ≤ {limits.drop}",
            "passed" if row.passed else "FAILED",
        )
    show(table)
