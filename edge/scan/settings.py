"""What a user can say of a scan."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from edge.errors import SettingsError
from edge.settings import AnalysisSettings, Tracking, check_range, expanded, put

_SAMPLES = 2.5
"""A face may be missed in one sample before it is forgotten."""


def _seconds(_: Any, tokens: Sequence[Token]) -> float:
    """Read "0.5" or "0.5s"."""
    return float(tokens[0].value.removesuffix("s"))


@dataclass(frozen=True, kw_only=True)
class ScanPlaces:
    """Where files are and where results go."""

    source: tuple[str, ...] = field(kw_only=False)
    """Folders and files to scan. What is in folders is known by its content. With --export, the
    folder of the results."""
    output: Annotated[Path, Parameter(name=("--output", "-o"))] = Path("results")
    """The folder of the results."""
    per: Literal["frame", "second"] = "frame"
    """What the rows are of: "second" leaves those of single frames out."""
    every: Annotated[float, Parameter(converter=_seconds)] = 0.0
    """Look at one frame in so many seconds of a video: 0…3600 s, 0 for every frame."""
    thumbnails: bool = False
    """Keep a small picture of the strongest moments of each file."""


@dataclass(frozen=True, kw_only=True)
class ScanSettings(AnalysisSettings, ScanPlaces):
    """What one scan needs to know."""

    workers: int = 0
    """Processes that work on a file each: 1…1024, 0 for one a core."""
    cluster: str = ""
    """The scheduler of a Dask cluster to work on, "tcp://host:8786", instead of this machine. Its
    workers see the files under the same paths."""
    export: Path | None = None
    """Write the table of the results folder as one .csv or .parquet file, and scan nothing. With
    "--per second" it is that of the seconds."""

    def __post_init__(self) -> None:
        """Check the ranges and expand "~"; raises ``SettingsError``."""
        super().__post_init__()
        check_range("every", self.every, 0, 3600, "s")
        check_range("workers", self.workers, 0, 1024)
        if self.workers and self.cluster:
            raise SettingsError(
                "workers: expected none beside --cluster, whose workers are as many as it has, "
                f"found {self.workers}; leave it out"
            )
        if self.export is not None and len(self.source) > 1:
            raise SettingsError(
                f"export: expected one folder of results, found {', '.join(self.source)}; name one"
            )
        put(self, "source", tuple(map(expanded, self.source)))
        put(self, "output", Path(expanded(self.output)))
        if self.export is not None:
            put(self, "export", Path(expanded(self.export)))
            if self.export.suffix not in {".csv", ".parquet"}:
                raise SettingsError(
                    f"export: expected a .csv or .parquet file, found '{self.export}'; rename it"
                )

    @property
    def sampled_tracking(self) -> Tracking:
        """``tracking`` for frames that are ``every`` seconds apart."""
        forget = max(self.tracking.forget, _SAMPLES * self.every)
        return replace(self.tracking, forget=min(forget, 60.0))
