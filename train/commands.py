"""The commands of training. The only place in train that prints results."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cyclopts

from edge.protocols import Detector
from edge.settings import Settings
from edge.text import say
from train.cli import INTERRUPTED, import_tensorflow, show
from train.errors import RecipeError, ReportError
from train.native import native_stderr_hidden
from train.recipe_file import changed
from train.recipes import DEPLOYED, IMAGES, choose_recipe, find_recipe, model_path
from train.tables import class_table

app = cyclopts.App(name="train", help="From images to models/Finalmodel.h5.", version_flags=())
_MAX_SEED = 2**31 - 1
_DEPLOYED_MODEL = model_path(DEPLOYED)


@app.command
def data(
    *,
    archive: Path | None = None,
    handle: str = "jonathanoheix/face-expression-recognition-dataset",
    faces: bool = False,
    images: Path = IMAGES,
) -> None:
    """Put the data set in its place and report on it.

    Parameters
    ----------
    archive
        FER2013 as it is given away (ZIP, TAR, CSV), or any archive or folder of images with a
        folder for each class.
    handle
        The Kaggle data set (owner/name) to download where no archive is given.
    faces
        Whether these are whole photographs, of which the largest face is to be taken.
    images
        Where to put train/ and validation/; what "make data" put there before is replaced.
    """
    from train.archive import download  # noqa: PLC0415 - loads OpenCV
    from train.install import install  # noqa: PLC0415
    from train.inventory import differs_from  # noqa: PLC0415

    detector = _detector() if faces else None
    inventory = install(archive or download(handle), images, detector=detector)
    show(inventory)
    if faces:
        say(f"look at {images / 'faces.png'}: the first faces, a row for each class")
    say(f"fingerprint {inventory.fingerprint}; the report is {images / 'report.json'}")
    if differs := differs_from(model_path(DEPLOYED).with_suffix(".tflite"), inventory):
        say(differs)


@app.command
def fit(
    *,
    recipe: str = "",
    seed: int = 0,
    images: Path | None = None,
    start: Path | None = None,
    side: int | None = None,
    epochs: int | None = None,
    subset: float | None = None,
    target: Path | None = None,
    logs: Path | None = None,
) -> int:
    """Train a network and write it with its report. A run that was stopped goes on.

    Parameters
    ----------
    recipe
        What to train: a name in train/recipes.py, or a TOML file. Without it "final", for other
        images "own", with a start "tuned".
    seed
        Of the weights and of the order of the images.
    images
        A folder of images: train/ and validation/ with a folder for each class, or these alone.
        Without it that of "make data".
    start
        The model (.h5) whose features are kept; its last layer is learnt anew for other classes.
    side
        Pixels of a side of the images, where the recipe's are not to be taken. A start has its own.
    epochs
        How often the images are shown, as well.
    subset
        Which share of the training images is enough, 0.01…1, as well.
    target
        The model to write; its report and figures go beside it. Without it, the place of the recipe
        in models/, and models/trial/trial.h5 where side, epochs or subset are not the recipe's.
    logs
        A folder that gets every epoch for TensorBoard; a CSV file is always beside the model.
    """
    named = choose_recipe(recipe, start, images)
    given = {"side": side, "epochs": epochs, "subset": subset}
    trial = {name: value for name, value in given.items() if value is not None}
    chosen = changed(find_recipe(named), trial, "recipe")
    place = Path("models/trial/trial.h5") if trial else model_path(chosen.name)
    target = target or place
    if not 0 <= seed <= _MAX_SEED:
        raise RecipeError(f"seed: expected 0…{_MAX_SEED}, found {seed}; give one in between")
    if start and side:
        raise RecipeError(f"size: {start} has its own, found {side} as well; leave SIZE out")
    if target.suffix != ".h5":
        raise RecipeError(f"target: expected a name that ends in .h5, found '{target}'; rename it")
    say(f"training {chosen.name}, {chosen.epochs} epochs; the images come first")
    import_tensorflow(to_train=True)
    from train.report import beside  # noqa: PLC0415 - behind the checks
    from train.training import train  # noqa: PLC0415
    from train.transfer import begin_with  # noqa: PLC0415

    if start:
        chosen = begin_with(chosen, start)
    try:
        report = train(chosen, seed, images or IMAGES, target, _detector(), logs=logs)
    except KeyboardInterrupt:
        again: dict[str, object] = {"RECIPE": recipe, "DATA": images, "FROM": start, "SIZE": side}
        again |= {"EPOCHS": epochs, "SUBSET": subset, "H5": target, "LOGS": logs, "SEED": seed}
        say("", f"stopped; any whole epoch is kept. Go on: make train {_again(**again)}")
        return INTERRUPTED
    show(class_table(report["validation"]))
    say(f"wrote {target}: {_summary(report)}")
    say(f"look at {beside(target.with_suffix(''), 'mistakes.png')}: its most confident mistakes")
    say(f"now run 'make convert {_again(DATA=images, H5=target)}' for its TFLite files")
    return 0


@app.command
def teachers(*, images: Path = IMAGES) -> int:
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
        say("", "stopped; any whole epoch is kept. Go on: make teachers")
        return INTERRUPTED
    return 0 if trained else 1


@app.command
def ensemble(*recipes: str, images: Path = IMAGES) -> None:
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

    say(*table(write(names, images)).splitlines())
    say(f"wrote {RESULT}")


@app.command
def compare(a: str, b: str, *, output: Path = Path("compare.png")) -> None:
    """Put two trainings side by side: their figures, recipes and curves.

    Parameters
    ----------
    a, b
        A recipe that was trained, its model (.h5), or its report (..._report.json).
    output
        The figure to write, a .png.
    """
    from train.compare import comparison, comparison_figure, read  # noqa: PLC0415 - matplotlib
    from train.report import save_figure  # noqa: PLC0415

    if output.suffix != ".png":
        raise ReportError(f"output: expected a name that ends in .png, found '{output}'; rename it")
    runs = read(a), read(b)
    show(comparison(*runs))
    output.parent.mkdir(parents=True, exist_ok=True)
    save_figure(comparison_figure(*runs), output)
    say(f"wrote {output}")


def _again(**values: object) -> str:
    """What to give make: "RECIPE=own DATA=faces"."""
    given = {name: str(value) for name, value in values.items() if value is not None}
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items() if value)


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
    model: Path = _DEPLOYED_MODEL,
    images: Path = IMAGES,
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
    from train.artifact import change_contract, load_model  # noqa: PLC0415 - quiet import
    from train.framing import TIGHTER, derive_framing  # noqa: PLC0415
    from train.install import framing_of  # noqa: PLC0415

    _, contract = load_model(model)
    tighter = 1.0 if framing_of(images) else TIGHTER
    derived, found = derive_framing(load_split(images, "train").images, opened, tighter)
    framings = {**contract.framings, opened.framing: derived}
    change_contract(model, dataclasses.replace(contract, framings=framings))
    say(
        f"{model}: boxes of {opened.name} × {derived.scale}, moved by {derived.offset_x} and "
        f"{derived.offset_y} of their side; a face found in {found:.1%} of the training images"
    )


@app.command
def calibrate(*, model: Path = _DEPLOYED_MODEL, images: Path = IMAGES) -> None:
    """Fit the temperature and the threshold of a trained model anew.

    Parameters
    ----------
    model
        The model whose contract takes them; "make convert" takes it to its TFLite files.
    images
        A folder for each of the model's classes, with images that it has not learnt from; of a data
        set with train/ and validation/, those of validation/.
    """
    import_tensorflow()
    from train.recalibrate import recalibrate  # noqa: PLC0415 - behind the quiet import

    fitted = recalibrate(model, images)
    say(
        f"{model}: temperature {fitted['temperature']:.3f}, certain from "
        f"{fitted['uncertain_below']:.1%}; expected calibration error "
        f"{fitted['calibration_error_after']:.1%} by cross-validation, "
        f"{fitted['calibration_error_before']:.1%} at a temperature of 1"
    )


@app.command
def ablation(*, images: Path = IMAGES, rows: Path = Path("models/ablation.json")) -> None:
    """Train short variations of an early recipe, one thing changed in each; hours.

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
        say(
            f"{row['changed']}: top-1 {row['top1']:.2%}, macro-F1 {row['macro_f1']:.3f}, "
            f"{row['minutes']:.0f} minutes",
        )


@app.command
def few(*, images: Path = IMAGES, rows: Path = Path("models/few.json")) -> None:
    """Train on a few images of other classes, from random weights and from ours; half an hour.

    Parameters
    ----------
    images
        The data set that "make data" made, FER2013.
    rows
        The file with the rows that are done; what is missing is added to it.
    """
    import_tensorflow(to_train=True)
    from train.few import run  # noqa: PLC0415 - behind the quiet import

    for row in run(images, rows, _detector()):
        say(
            f"{row['task']}, {row['each']} each, {row['start']}, seed {row['seed']}: "
            f"top-1 {row['top1']:.1%}, {row['minutes']:.1f} minutes",
        )
