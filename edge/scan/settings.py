"""What a user can say of a scan."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.errors import SettingsError
from edge.settings import AnalysisSettings, check_range, expanded, put


@dataclass(frozen=True, kw_only=True)
class ScanPlaces:
    """Where files are and where results go."""

    source: tuple[str, ...] = ()
    """Folders and files to scan. What is in folders is known by its content. With --export, the
    folder of the results."""
    output: Path = Path("results")
    """The folder of the results."""
    per: Literal["frame", "second"] = "frame"
    """What the rows are of: "second" leaves those of single frames out."""
    every: float = 0.0
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
    """Write the table of the results folder as one .csv or .parquet file, and scan nothing."""

    def __post_init__(self) -> None:
        """Check the ranges and expand "~"; raises ``SettingsError``."""
        super().__post_init__()
        check_range("every", self.every, 0, 3600, "s")
        check_range("workers", self.workers, 0, 1024)
        if not self.source or not all(self.source):
            raise SettingsError(
                "source: expected a folder or a file, found none; name one, as in "
                "'expressions scan holidays -o results'"
            )
        put(self, "source", tuple(map(expanded, self.source)))
        put(self, "output", Path(expanded(self.output)))
        if self.export is not None:
            put(self, "export", Path(expanded(self.export)))
            if self.export.suffix not in {".csv", ".parquet"}:
                raise SettingsError(
                    f"export: expected a .csv or .parquet file, found '{self.export}'; rename it"
                )
