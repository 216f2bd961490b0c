"""The report of all results in a folder: Jinja2 templates, figures by matplotlib, HTML beside it.

``benchmark.md`` with its PNG files is committed, ``benchmark.html`` is the same page for a browser.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markupsafe import Markup

from benchmarks.certainty import SHARES
from benchmarks.keras_classifier import PREDICT
from benchmarks.material import Material, gather
from benchmarks.motion import FPS
from benchmarks.peers.registry import OURS
from benchmarks.photographs import mistakes_by_label
from benchmarks.results import Bench, Estimate, Row, Times
from benchmarks.scan_simulation import BUSY, MOST
from benchmarks.scanning import FER, NEAR, ONE, RUN, WIDE
from benchmarks.search import CAMERAS, metres, reach
from benchmarks.sequences import HELD, PART, SOON
from convert.variants import DEPLOYED
from edge.files import write_text

MARKDOWN, HTML = "benchmark.md", "benchmark.html"
_TEMPLATES = Path(__file__).with_name("templates")
_NONE = "–"
PHOTOGRAPHS = (
    "photographs",
    *(f"photographs-{part}" for part in ("labels", "scales", "scores", "mistakes")),
)
"""The tables of the photographs."""


def write(folder: Path) -> list[Path]:
    """Write the report on ``folder`` into it: Markdown, HTML, and figures where they can be drawn.

    Returns what was written.
    """
    material = gather(folder)
    text = render("report.md.j2", material, intervals=True)
    written = [folder / MARKDOWN, folder / HTML]
    write_text(written[0], text)
    write_text(written[1], page(text))
    return written + _draw(folder, material)


def _draw(folder: Path, material: Material) -> list[Path]:
    try:
        from benchmarks import figures  # noqa: PLC0415 - a device may have no matplotlib
    except ModuleNotFoundError:
        return []
    return figures.draw(folder, material)


def page(text: str) -> str:
    """Return Markdown as a whole HTML page."""
    body = MarkdownIt("commonmark").enable("table").render(text)
    title = text.partition("\n")[0].lstrip("# ")
    return _environment().get_template("page.html.j2").render(title=title, body=Markup(body))


def section(name: str, material: Material) -> str | None:
    """Return the table called ``name`` for a document, None where its results are missing."""
    needed = {
        "targets": material.rated,
        "results": material.last,
        **dict.fromkeys(("stages", "throughput", "camera"), material.looped),
        **dict.fromkeys(
            ("calibration", "copies", "robustness", "framing", "search", "live", "reach"),
            material.evaluation,
        ),
        "sequences": material.sequenced,
        "publishing": material.published,
        "peers": material.peers,
        **dict.fromkeys(PHOTOGRAPHS, material.photographs),
        **dict.fromkeys(("scanning", "scanning-line"), material.scanning),
    }
    if needed.get(name) is None:
        return None
    return render(f"tables/{name}.md.j2", material, run=needed[name])


def render(template: str, material: Material, *, intervals: bool = False, **context: Any) -> str:
    """Return ``template`` about ``material``; with ``intervals`` figures have theirs."""
    text = _environment().get_template(template).render(m=material, intervals=intervals, **context)
    text = re.sub(" +\n", "\n", text)
    return re.sub("\n{3,}", "\n\n", text).strip() + "\n"  # loops and conditions leave blank lines


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"ms": _ms, "percent": _percent, "fixed": _fixed}
    environment.globals |= {
        "against_seed": against_seed,
        "lost": lost,
        "compared": compared,
        "metres": metres,
        "reach": reach,
        "cameras": CAMERAS,
        "shares": SHARES,
        "mistakes": mistakes_by_label,
        "held_seconds": HELD,
        "part_seconds": PART,
        "sequence_fps": FPS,
        "soon": SOON,
        "deployed_variant": DEPLOYED,
        "slow": PREDICT,
        "scan": {"run": RUN, "one": ONE, "wide": WIDE, "near": NEAR, "fer": FER},
        "busy": BUSY,
        "most_workers": MOST,
        "ours": [peer.name for peer in OURS[:2]],
    }
    return environment


@pass_context
def _fixed(context: Context, value: Any, digits: int = 2, scale: float = 1, unit: str = "") -> str:
    """A number with so many digits, an estimate with its interval where those are wanted."""
    if value is None:
        return _NONE
    if not isinstance(value, Estimate):
        return f"{scale * value:.{digits}f}{unit}"
    text, low, high = (
        f"{scale * each:.{digits}f}" for each in (value.value, value.low, value.high)
    )
    return f"{text}{unit} ({low}–{high})" if context["intervals"] else f"{text}{unit}"


@pass_context
def _ms(context: Context, value: Estimate | None) -> str:
    return _fixed(context, value, 2 if value is None or value.value < 10 else 1)


@pass_context
def _percent(context: Context, value: Any, digits: int = 1) -> str:
    return _fixed(context, value, digits, 100, "%")


def against_seed(row: Row, run: Bench) -> float | None:
    """Return the time of a face as a multiple of the float32 seed network's in the same run."""
    seed = next((each.at() for each in run.rows if each.name == "seed float32"), None)
    own: Times | None = row.at()
    return own.relative.value / seed.relative.value if own and seed else None


def lost(row: Row, run: Bench) -> float | None:
    """Return how much less top-1 the file has than the float32 one of its model."""
    name = f"{row.model} float32"
    whole = next((each.accuracy for each in run.rows if each.name == name), None)
    if whole is None or row.accuracy is None:
        return None
    return whole.whole.top1.value - row.accuracy.whole.top1.value


def compared(run: Bench) -> list[Row]:
    """Return the h5 and the int8 file of the deployed model (of the last), as far as rated."""
    rows = [row for row in run.rows if row.accuracy]
    models = [row.model for row in rows if row.deployed] or [row.model for row in rows]
    own = [row for row in rows if row.model == models[-1] and row.variant != PREDICT]
    return [row for row in own if row.variant == DEPLOYED or row.variant.startswith("h5")]
