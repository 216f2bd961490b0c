"""The commands about models that are trained, and the studies of how to train them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edge.settings import Settings
from edge.text import say
from train.cli import blazeface, import_tensorflow, show
from train.errors import ReportError
from train.native import native_stderr_hidden
from train.recipes import DEPLOYED, IMAGES, find_recipe, model_path

_DEPLOYED_MODEL = model_path(DEPLOYED)


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

    for row in run(images, rows, blazeface()):
        say(
            f"{row['changed']}: top-1 {row['top1']:.2%}, macro-F1 {row['macro_f1']:.3f}, "
            f"{row['minutes']:.0f} minutes",
        )


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

    for row in run(images, rows, blazeface()):
        say(
            f"{row['task']}, {row['each']} each, {row['start']}, seed {row['seed']}: "
            f"top-1 {row['top1']:.1%}, {row['minutes']:.1f} minutes",
        )
