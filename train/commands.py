"""The commands of training. They and those in ``model_commands`` alone print results."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cyclopts

from edge.text import say
from train.cli import INTERRUPTED, blazeface, import_tensorflow, show
from train.errors import RecipeError
from train.model_commands import ablation, calibrate, compare, ensemble, few, framing
from train.recipe_file import changed
from train.recipes import DEPLOYED, IMAGES, choose_recipe, find_recipe, model_path
from train.tables import class_table

app = cyclopts.App(name="train", help="From images to models/Finalmodel.h5.", version_flags=())
_MAX_SEED = 2**31 - 1
for _command in (ensemble, compare, framing, calibrate, ablation, few):
    app.command(_command)


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

    detector = blazeface() if faces else None
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
        report = train(chosen, seed, images or IMAGES, target, blazeface(), logs=logs)
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
        trained = train_all(images, blazeface())
    except KeyboardInterrupt:
        say("", "stopped; any whole epoch is kept. Go on: make teachers")
        return INTERRUPTED
    return 0 if trained else 1


def _again(**values: object) -> str:
    """What to give make: "RECIPE=own DATA=faces"."""
    given = {name: str(value) for name, value in values.items() if value is not None}
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items() if value)


def _summary(report: Mapping[str, Any]) -> str:
    figures, votes = report["validation"], report["validation_votes"]
    return (
        f"top-1 {figures['top1']:.2%} on the validation split "
        f"({figures['top1_without_copies']:.2%} without copies of training images"
        + (f", {votes['top1']:.2%} against the FER+ majority" if votes else "")
        + f"), macro-F1 {figures['macro_f1']:.4f}"
    )
