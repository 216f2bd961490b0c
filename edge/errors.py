"""Everything that the runtime raises on purpose.

::

    EdgeError                  exit code 1; the message is all that the user sees
    ├── SettingsError          an option or a settings file is out of range or unreadable (2)
    ├── InterpreterError       no TFLite interpreter is installed
    ├── ModelFileError         a model file is missing, truncated, foreign or too large (2)
    │   └── ContractError      its contract is missing, or contradicts what the interpreter sees
    ├── AssetError             a third-party asset is missing or is not the pinned one
    ├── DetectorError          the face detector can't be set up or run
    ├── SourceError            a camera, video or folder can't be opened
    │   ├── SourceFileError    a file is no video, or a folder has no images (2)
    │   ├── NoCameraError      there is no such camera
    │   └── SourceLostError    it was open and stopped delivering frames
    ├── SinkError              an output can't be written
    │   ├── TargetError        its name is no place for a file of this user (2)
    │   └── ReaderLeftError    who read it, through a pipe, has left
    └── ScanError              a scan has no workers

A message says what was expected, what was found, and what to do next. 2 is for what only a person
can mend, in the settings or in what they name: a service is not started again for it.
"""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """Return what a foreign error says, in a length that fits into a message of ours."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


class EdgeError(Exception):
    """Base of the tree. ``exit_code`` is what the command line exits with."""

    exit_code = 1


class SettingsError(EdgeError):
    """An option or a settings file is out of range or unreadable."""

    exit_code = 2


class InterpreterError(EdgeError):
    """No TFLite interpreter is installed."""


class ModelFileError(EdgeError):
    """A model file is missing, truncated, foreign or too large."""

    exit_code = 2


class ContractError(ModelFileError):
    """A model's contract is missing, or contradicts what the interpreter sees."""


class AssetError(EdgeError):
    """A third-party asset is missing or is not the pinned one."""

    exit_code = 2


class DetectorError(EdgeError):
    """The face detector can't be set up or run."""


class ImageError(EdgeError):
    """What a program gives as an image is none."""


class SourceError(EdgeError):
    """A camera, a video or a folder of images can't be opened."""


class SourceFileError(SourceError):
    """A file is no video that can be read, or a folder has no images that can."""

    exit_code = 2


class NoCameraError(SourceError):
    """There is no such camera."""


class SourceLostError(SourceError):
    """A source that was open stopped delivering frames."""


class SinkError(EdgeError):
    """An output can't be written."""


class TargetError(SinkError):
    """An output's name is no place where this user may write a file."""

    exit_code = 2


class ReaderLeftError(SinkError):
    """Who read an output, through a pipe, has left: "… | head" has seen enough."""


class ScanError(EdgeError):
    """A scan has no workers: no scheduler, or none that can do the work."""
