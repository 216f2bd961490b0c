"""Everything that training raises on purpose.

::

    TrainError                 exit code 1; the message is all that the user sees
    ├── RecipeError            an unknown recipe, or a value out of range (2)
    ├── DatasetError           the images are missing, incomplete or mostly unreadable
    │   ├── ArchiveError       an archive is not a data set, or not safe to unpack
    │   ├── DownloadError      Kaggle can't be reached, or does not have the data set
    │   └── VotesError         the table of FER+ votes is damaged, or not of these images
    ├── CheckpointError        the state of an interrupted training is damaged
    ├── ReportError            a file of figures is damaged, or of another version
    └── ArtifactError          a .h5 is missing, truncated, foreign, too large or not ours, or can't
                               be written

A message says what was expected, what was found, and what to do next.
"""

from __future__ import annotations


class TrainError(Exception):
    """Base of the tree. ``exit_code`` is what the command line exits with."""

    exit_code = 1


class RecipeError(TrainError):
    """An unknown recipe, or a value in one that is out of range."""

    exit_code = 2


class DatasetError(TrainError):
    """The images are missing, incomplete or mostly unreadable."""


class ArchiveError(DatasetError):
    """An archive is not a data set, or not safe to unpack."""


class DownloadError(DatasetError):
    """Kaggle can't be reached, or does not have the data set."""


class VotesError(DatasetError):
    """The table of FER+ votes is missing or damaged, or does not belong to these images."""


class ArtifactError(TrainError):
    """A ``.h5`` file is missing, truncated, foreign or not one of ours, or can't be written."""


class CheckpointError(TrainError):
    """The state of an interrupted training is damaged."""


class ReportError(TrainError):
    """A file of figures is missing, damaged or of another version."""
