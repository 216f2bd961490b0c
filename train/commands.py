"""The commands of training. The only place in train that prints results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cyclopts
from rich.console import Console

from edge.protocols import Detector
from edge.settings import Settings
from train.cli import INTERRUPTED, import_tensorflow, native_stderr_hidden
from train.errors import RecipeError
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
    from train.archive import download  # noqa: PLC0415 - loads OpenCV
    from train.install import install  # noqa: PLC0415
    from train.inventory import differs_from  # noqa: PLC0415

    inventory = install(archive or download(handle), images)
    Console().print(inventory)
    print(f"fingerprint {inventory.fingerprint}; the report is {images / 'report.json'}")
    if differs := differs_from(model_path(DEPLOYED).with_suffix(".tflite"), inventory):
        print(differs)


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
    if not 0 <= seed <= _MAX_SEED:
        raise RecipeError(f"seed: expected 0…{_MAX_SEED}, found {seed}; give one in between")
    if target.suffix != ".h5":
        raise RecipeError(f"target: expected a name that ends in .h5, found '{target}'; rename it")
    print(f"training {recipe}, {chosen.epochs} epochs; the images come first", flush=True)
    import_tensorflow(to_train=True)
    from train.training import train  # noqa: PLC0415 - behind the checks

    try:
        report = train(chosen, seed, images, target, _detector())
    except KeyboardInterrupt:
        print(f"\nstopped; any whole epoch is kept. Go on: make train {further} SEED={seed}")
        return INTERRUPTED
    print(f"wrote {target}: {_summary(report)}")
    print(f"now run 'make convert {further}' for its TFLite files")
    return 0


@app.command
def teachers(*, images: Path = Path("images")) -> int:
    """Train every teacher that isn't there yet, and weigh them; hours. A stopped run goes on.

    Parameters
    ----------
    images
        The data set that "make data" made.
    """
    import_tensorflow(to_train=True)
    from train.teachers import train_all  # noqa: PLC0415 - behind the quiet import

    try:
        trained = train_all(images, _detector())
    except KeyboardInterrupt:
        print("\nstopped; any whole epoch is kept. Go on: make teachers")
        return INTERRUPTED
    return 0 if trained else 1


@app.command
def ensemble(*recipes: str, images: Path = Path("images")) -> None:
    """Measure models on the validation split, plain, mirrored and together; weigh them.

    The result is models/ensemble.json.

    Parameters
    ----------
    recipes
        Whose models, names in train/recipes.py.
    images
        The data set that "make data" made.
    """
    names = [find_recipe(name).name for name in recipes]
    import_tensorflow()
    from train.ensemble import RESULT, table, write  # noqa: PLC0415 - behind the quiet import

    print(table(write(names, images)))
    print(f"wrote {RESULT}")


def _detector() -> Detector:
    from edge.vision.blazeface import BlazeFace  # noqa: PLC0415 - loads OpenCV

    with native_stderr_hidden():
        return BlazeFace()


def _summary(report: Mapping[str, Any]) -> str:
    figures, votes = report["validation"], report["validation_votes"]
    return (
        f"top-1 {figures['top1']:.2%} on the validation split "
        f"({figures['top1_without_copies']:.2%} without copies of training images"
        + (f", {votes['top1']:.2%} against the FER+ majority" if votes else "")
        + f"), macro-F1 {figures['macro_f1']:.4f}"
    )


@app.command
def framing(
    *,
    detector: str = "yunet",
    detector_model: Path = Settings.detector_model,
    model: Path = Path("models/Finalmodel.h5"),
    images: Path = Path("images"),
) -> None:
    """Derive how another detector's boxes frame a face, and write it into a trained model.

    Parameters
    ----------
    detector
        The detector that is to run with the model.
    detector_model
        The file of one that comes without.
    model
        The model whose contract takes the framing; "make convert" takes it to its TFLite files.
    images
        The data set that "make data" made.
    """
    from edge.vision import open_detector  # noqa: PLC0415 - loads OpenCV
    from train.data import load_split  # noqa: PLC0415

    with native_stderr_hidden():
        opened = open_detector(detector, model=detector_model)
    import_tensorflow(to_train=False)
    from train.artifact import add_framing  # noqa: PLC0415 - behind the quiet import
    from train.framing import derive_framing  # noqa: PLC0415

    derived, found = derive_framing(load_split(images, "train").images, opened)
    add_framing(model, opened.framing, derived)
    print(
        f"{model}: boxes of {opened.name} × {derived.scale}, moved by {derived.offset_x} and "
        f"{derived.offset_y} of their side; a face found in {found:.1%} of the training images"
    )


@app.command
def ablation(*, images: Path = Path("images"), rows: Path = Path("models/ablation.json")) -> None:
    """Train short variations of the recipe teacher, one thing changed in each; hours.

    Parameters
    ----------
    images
        The data set that "make data" made.
    rows
        The file with the rows that are done; what is missing is added to it.
    """
    import_tensorflow(to_train=True)
    from train.ablation import run  # noqa: PLC0415 - behind the quiet import

    for row in run(images, rows, _detector()):
        print(
            f"{row['changed']}: top-1 {row['top1']:.2%}, macro-F1 {row['macro_f1']:.3f}, "
            f"{row['minutes']:.0f} minutes",
            flush=True,
        )
