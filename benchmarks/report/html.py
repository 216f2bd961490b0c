"""A page of Markdown as a page of HTML that needs nothing else: no script, font or picture.

It reads what ``page`` and the tables write, not Markdown at large: headings, paragraphs, lists,
tables, figures; within a line bold, code and links.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from string import Template

_TEMPLATE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --paper: #fff; --ink: #1a1d21; --faint: #5c6670; --line: #d5dade; --shade: #f3f5f6;
  --link: #0b5a8a }
@media (prefers-color-scheme: dark) {
  :root { --paper: #121417; --ink: #e6e8ea; --faint: #a3acb4; --line: #3a4148; --shade: #1d2125;
    --link: #7cc0ee }
  svg { filter: invert(1) hue-rotate(180deg) }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word }
h1, h2, h3 { line-height: 1.25; margin: 2em 0 .6em }
h1 { margin-top: .5em }
h2 { border-top: 2px solid var(--line); padding-top: .8em }
a { color: var(--link) }
nav ul { columns: 15rem; padding-left: 1.2rem }
p, li { max-width: 46rem }
.scroll { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top }
td { white-space: nowrap }
thead th { vertical-align: bottom; background: var(--shade); min-width: 4.5rem }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--paper);
  font-weight: normal; min-width: 6.5rem }
@media (min-width: 48rem) { th:first-child { white-space: nowrap } }
thead th:first-child { background: var(--shade) }
figure { margin: 1.5rem 0 }
figcaption { max-width: 46rem; color: var(--faint); font-size: .9rem }
svg { display: block; height: auto }
@media print {
  :root { --paper: #fff; --ink: #000; --faint: #333; --line: #999; --shade: #eee; --link: #000 }
  body { max-width: none; font-size: 9pt }
  nav { display: none }
  .scroll { overflow: visible }
  table { font-size: 6.5pt }
  th, td { padding: .15rem .25rem; position: static }
  thead th { min-width: 0 }
  td { white-space: normal }
  th:first-child { white-space: normal }
  tr, figure { break-inside: avoid }
  h2, h3 { break-after: avoid }
  svg { filter: none; min-width: 0 !important; max-height: 20cm }
}
</style>
</head>
<body>
<main>
$body
</main>
</body>
</html>
""")
_CONTENTS = 2
"""Level of the headings in the list of contents."""
_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)"), r'<a href="\2">\1</a>'),
)
_FIGURE = re.compile(r"!\[(.*)\]\((.+)\)", re.DOTALL)


def render(text: str, figures: Mapping[str, str]) -> str:
    """Return ``text`` as HTML; ``figures`` has the SVG of each figure by its file name."""
    blocks = text.strip().split("\n\n")
    contents = _contents(blocks)
    section, body = "", []
    for block in blocks:
        level = len(block) - len(block.lstrip("#"))
        if level:
            section = block[level:].strip()
            if level == _CONTENTS and contents not in body:
                body.append(contents)
            # What the contents name; below that, devices have sections of the same names.
            place = f' id="{_anchor(section)}"' if level == _CONTENTS else ""
            body.append(f"<h{level}{place}>{inline(section)}</h{level}>")
        else:
            body.append(_block(block, section, figures))
    title = blocks[0].lstrip("# ")
    return _TEMPLATE.substitute(title=html.escape(title), body="\n".join(body))


def inline(text: str) -> str:
    """Return a line with its bold, code and links as HTML."""
    shown = html.escape(text)
    for pattern, replacement in _INLINE:
        shown = pattern.sub(replacement, shown)
    return shown


def _block(block: str, section: str, figures: Mapping[str, str]) -> str:
    if block.startswith("| "):
        return _table(block, section)
    if block.startswith("- "):
        items = (f"<li>{inline(line[2:])}</li>" for line in block.splitlines())
        return f"<ul>{''.join(items)}</ul>"
    if found := _FIGURE.fullmatch(block):
        caption, name = found.groups()
        return (
            f'<figure role="group" aria-label="{html.escape(caption)}">\n'
            f'<div class="scroll">{figures[name]}</div>\n'
            f"<figcaption>{inline(caption)}</figcaption></figure>"
        )
    return f"<p>{inline(block)}</p>"


def _table(block: str, section: str) -> str:
    """A table whose first column names its rows."""
    head, _, *rows = ([cell.strip() for cell in _split(line)] for line in block.splitlines())
    columns = "".join(f'<th scope="col">{inline(cell)}</th>' for cell in head)
    lines = "\n".join(
        f'<tr><th scope="row">{inline(first)}</th>'
        + "".join(f"<td>{inline(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{html.escape(section)}">\n'
        f"<table>\n<thead><tr>{columns}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>\n</div>"
    )


def _split(line: str) -> list[str]:
    """The cells of a row; a bar within one is written as ``\\|``."""
    return [cell.replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _contents(blocks: list[str]) -> str:
    mark = "#" * _CONTENTS + " "
    titles = [block.removeprefix(mark) for block in blocks if block.startswith(mark)]
    items = (f'<li><a href="#{_anchor(title)}">{inline(title)}</a></li>' for title in titles)
    return f'<nav aria-label="Contents"><ul>{"".join(items)}</ul></nav>'


def _anchor(title: str) -> str:
    return "-".join(re.findall(r"\w+", title.lower()))
