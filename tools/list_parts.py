"""Writes parts.cdx.json into a folder of wheels: all of its parts, as CycloneDX 1.6.

``python -m tools.list_parts dist`` (``make package``), in the environment of
requirements/package.txt.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from edge import __version__
from tools.assets_list import PARTS
from tools.list_licences import wheel

NAME = "parts.cdx.json"
_OURS = "edge-expressions"


def parts(folder: Path) -> Bom:
    """Return every wheel in ``folder``, and the parts inside ours."""
    bom = Bom(components=map(_wheel, sorted(folder.glob("*.whl"))))
    root = Component(
        name=_OURS, version=__version__, type=ComponentType.APPLICATION, bom_ref="dist"
    )
    bom.metadata.component = root
    bom.register_dependency(root, bom.components)
    return bom


def _wheel(path: Path) -> Component:
    """Return a wheel; one that comes for several platforms is a component for each."""
    package = wheel(path)
    component = Component(
        name=package.name,
        version=package.version,
        bom_ref=path.name,
        purl=PackageURL("pypi", None, package.name, package.version, {"file_name": path.name}),
        licenses=[LicenseFactory().make_from_string(package.licence)],
        hashes=[_sha256(path.read_bytes())],
        components=_inside(path) if package.name == _OURS else (),
    )
    component.properties.update(Property(name="GPL library", value=each) for each in package.gpl)
    return component


def _inside(path: Path) -> Iterator[Component]:
    with zipfile.ZipFile(path) as archive:
        for part in PARTS:
            if part.file:
                member = f"edge/models/{part.file}"
                yield Component(
                    name=part.name,
                    type=ComponentType.MACHINE_LEARNING_MODEL
                    if part.learnt
                    else ComponentType.DATA,
                    bom_ref=f"{path.name}/{member}",
                    description=f"{member}: {part.use}; {part.origin}",
                    licenses=[LicenseFactory().make_from_string(part.licence)],
                    hashes=[_sha256(archive.read(member))],
                )


def _sha256(content: bytes) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(content).hexdigest())


def write_parts(folder: Path) -> None:
    """Write the list for the wheels in ``folder``."""
    text = JsonV1Dot6(parts(folder)).output_as_string(indent=2)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_parts(Path(sys.argv[1]))
