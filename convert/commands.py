"""The command of the conversion. The only place in convert that prints results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cyclopts
from rich import box
from rich.console import Console
from rich.table import Table

from convert.errors import ParityError
from convert.parity import LIMITS, Parity
from convert.variants import variant_path
from train.cli import import_tensorflow
from train.recipes import DEPLOYED, find_recipe, model_path

app = cyclopts.App(name="convert", help="Turn Finalmodel.h5 into TFLite files.", version_flags=())


@app.default
def main(
    model: Path | None = None, *, recipe: str = DEPLOYED, images: Path = Path("images")
) -> None:
    """Write the float32, float16, dynamic-range and int8 files beside MODEL, or none of them.

    Parameters
    ----------
    model
        The file that "make train" wrote. Without it, the one of RECIPE in models/.
    recipe
        Whose model to convert, a name in train/recipes.py.
    images
        The data set: train/ calibrates, validation/ is what the parity gate is measured on.
    """
    model = model or model_path(find_recipe(recipe).name)
    import_tensorflow()
    from convert.conversion import convert  # noqa: PLC0415 - behind the quiet import

    print(f"converting {model}", flush=True)
    try:
        rows = convert(model, images)
    except ParityError as error:
        _print_table(error.rows)
        raise
    _print_table(rows)
    for row in rows:
        print(f"wrote {variant_path(model, row.variant)}")


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
    Console().print(table)
