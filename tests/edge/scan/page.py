"""A report as a tree of elements."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder

from edge.scan.report import write_report

_VOID = frozenset({"meta", "link", "input", "img", "br"})


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.builder = TreeBuilder()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.builder.end(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        self.builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        ended = self.builder.end(tag)
        assert ended.tag == tag, f"<{ended.tag}> is closed as <{tag}>"

    def handle_data(self, data: str) -> None:
        self.builder.data(data)


class Page:
    """What the report about the results in a folder shows."""

    def __init__(self, results: Path) -> None:
        self.source = write_report(results).read_text("utf-8")
        tree = _Tree()
        tree.feed(self.source)
        self.root = tree.builder.close()

    def find(self, path: str) -> Element:
        found = self.root.find(path)
        assert found is not None, path
        return found

    @property
    def text(self) -> str:
        return text(self.find("body"))

    @property
    def tiles(self) -> dict[str, str]:
        return tiles(self.find(".//section[@id='totals']"))

    @property
    def videos(self) -> list[Element]:
        return self.root.findall(".//details[@class='video']")


def text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def tiles(element: Element) -> dict[str, str]:
    return {text(each[0]): text(each[1]) for each in element.findall("dl/div")}


def bars(element: Element) -> dict[str, str]:
    """Of each label, its share and the widths of the two parts of its bar."""
    shown = {}
    for line in element.iterfind(".//ul/li"):
        if len(line) == 3:
            widths = [part.get("style", "").removeprefix("width:") for part in line[1]]
            shown[text(line[0])] = " ".join([text(line[2]), *widths])
    return shown


def rows(element: Element) -> list[list[str]]:
    return [[text(cell) for cell in row] for row in element.iterfind(".//tbody/tr")]


def heights(path: str) -> list[int]:
    """The height of each step of a path that is made by ``steps``."""
    found, height = [], 0
    for step in path.removeprefix("M0 100v").removesuffix("V100z").split("v"):
        up, run = step.split("h")
        height -= int(up)
        found += [height] * int(run)
    return found


def layers(video: Element) -> dict[str, list[int]]:
    """The heights of each layer of a video's timeline by its classes, top one first."""
    svg = video.find(".//svg[@class='stack']")
    assert svg is not None
    return {path.attrib["class"]: heights(path.attrib["d"]) for path in svg.iterfind("path")}


def colours(source: str) -> list[str]:
    """The colour of each label, in their order."""
    return re.findall(r"^\.k\d+ \{ --own: (.*); \}$", source, re.MULTILINE)
