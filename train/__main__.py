"""The command line of training. The only place here that prints results or exits."""

from __future__ import annotations

from edge.startup import INTERRUPTED, starting

if __name__ == "__main__":
    starting()

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cyclopts
from rich.console import Console

from train.cli import import_tensorflow, run
from train.errors import RecipeError
from train.ingredients import RESULTS
from train.recipes import DEPLOYED, find_recipe, model_path

app = cyclopts.App(name="train", help="From images to models/Finalmodel.h5.", version_flags=())
_MAX_SEED = 2**31 - 1


@app.command
def data(
    *,
    archive: Path | None = None,
    handle: str = "jonathanoheix/face-expression-recognition-dataset",
    images: Path = Path("images"),
) -> None:
    """Put the data set in its place and report on it.

    Parameters
    ----------
    archive
        A ZIP archive of FER2013 as Kaggle has it, or the folder of an unpacked one.
    handle
        The Kaggle data set (owner/name) to download where no archive is given.
    images
        Where to put train/ and validation/; what "make data" put there before is replaced.
    """
    from train.install import install  # noqa: PLC0415 - loads OpenCV
    from train.inventory import differs_from  # noqa: PLC0415
    from train.kaggle import download  # noqa: PLC0415

    inventory = install(archive or download(handle), images, say=print)
    Console().print(inventory)
    print(f"fingerprint {inventory.fingerprint}; the report is {images / 'report.json'}")
    if differs := differs_from(model_path(DEPLOYED).with_suffix(".tflite"), inventory):
        print(differs)


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise RecipeError(f"{name}: expected {low}…{high}, found {value}; give a number in between")


@app.command
def fit(
    *,
    recipe: str = DEPLOYED,
    seed: int = 0,
    images: Path = Path("images"),
    target: Path | None = None,
) -> int:
    """Train a network and write it with its report. A run that was stopped goes on.

    Parameters
    ----------
    recipe
        What to train, a name in train/recipes.py.
    seed
        Of the weights and of the order of the images.
    images
        The data set that "make data" made.
    target
        The model to write; its report and figures go beside it. Without it, the place of the recipe
        in models/.
    """
    chosen = find_recipe(recipe)
    further = f"RECIPE={recipe}" + (f" H5={target}" if target else "")
    target = target or model_path(recipe)
    _check("seed", seed, 0, _MAX_SEED)
    if target.suffix != ".h5":
        raise RecipeError(f"target: expected a name that ends in .h5, found '{target}'; rename it")
    print(f"training {recipe}, {chosen.epochs} epochs; the images come first", flush=True)
    import_tensorflow(to_train=True)
    from edge.detectors.blazeface import BlazeFace  # noqa: PLC0415 - behind the checks
    from train.session import train  # noqa: PLC0415

    try:
        outcome = train(chosen, seed, images, target, BlazeFace())
    except KeyboardInterrupt:
        print(f"\nstopped; any whole epoch is kept. Go on: make train {further} SEED={seed}")
        return INTERRUPTED
    print(f"wrote {outcome.path}: {_summary(outcome.report)}")
    print(f"now run 'make convert {further}' for its TFLite files")
    return 0


def _summary(report: Mapping[str, Any]) -> str:
    figures, votes = report["validation"], report["validation_votes"]
    return (
        f"top-1 {figures['top1']:.2%} on the validation split "
        f"({figures['top1_without_copies']:.2%} without copies of training images"
        + (f", {votes['top1']:.2%} against the FER+ majority" if votes else "")
        + f"), macro-F1 {figures['macro_f1']:.4f}"
    )


@app.command
def study(*, images: Path = Path("images"), rows: Path = RESULTS) -> None:
    """Train short variations of the recipe teacher, one thing changed in each; hours.

    Parameters
    ----------
    images
        The data set that "make data" made.
    rows
        The file with the rows that are done; what is missing is added to it.
    """
    import_tensorflow(to_train=True)
    from train.study import run as run_study  # noqa: PLC0415

    for row in run_study(images, rows):
        print(
            f"{row['ingredient']}: top-1 {row['top1']:.2%}, macro-F1 {row['macro_f1']:.3f}, "
            f"{row['minutes']:.0f} minutes",
            flush=True,
        )


@app.command
def votes(source: Path, *, images: Path = Path("images")) -> None:
    """Build train/ferplus.npz from a table of FER+ votes.

    Parameters
    ----------
    source
        A CSV with the columns image (split/class/file) and the ten that the taggers could choose.
    images
        The data set to whose images the paths in it belong.
    """
    from train.data import load_split  # noqa: PLC0415 - loads OpenCV
    from train.votes import TABLE, build_table  # noqa: PLC0415

    count = build_table(source, [load_split(images, name) for name in ("train", "validation")])
    print(f"wrote {TABLE}: votes for {count} different images")


@app.command
def speed(*, recipe: str = "seed", images: Path = Path("images"), epochs: int = 1) -> None:
    """Time whole epochs here and in plain Keras with float32, in turn, and what they consist of.

    Parameters
    ----------
    recipe
        What to train, a name in train/recipes.py.
    images
        The data set that "make data" made.
    epochs
        How many epochs of each to time.
    """
    chosen = find_recipe(recipe)
    _check("epochs", epochs, 1, 100)
    import_tensorflow(to_train=True)
    from train import breakdown, provenance  # noqa: PLC0415
    from train.speed import measure  # noqa: PLC0415

    result = measure(chosen, images, epochs)
    print(f"{provenance.machine()}, commit {provenance.commit()}, {provenance.today()}")
    for name, seconds in (("plain Keras, float32", result.plain), ("here", result.fast)):
        print(f"{name}: {', '.join(f'{value:.1f}' for value in seconds)} s an epoch")
    print(f"{result.ratio:.2f} times faster with {result.precision}")
    print(f"\nmilliseconds a batch of {chosen.batch_size}, forward and backward, each alone")
    for name, by_dtype in breakdown.measure(chosen).items():
        print(f"{name:<28}" + "".join(f"{ms:8.1f} {dtype}" for dtype, ms in by_dtype.items()))


if __name__ == "__main__":
    run(app)
