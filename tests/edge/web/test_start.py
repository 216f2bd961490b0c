"""The page on the command line: what it is called there, and what keeps it from starting."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import SettingsError
from edge.run.build import RunSettings, publishers
from edge.sinks import web
from edge.sinks.web import WebOptions
from edge.vision import overlay
from tests.edge.processes import finish, one_line, start
from tests.edge.web.site import ask, page, send

LOST = """
import sys
sys.modules["{name}"] = None
from edge.__main__ import main
sys.exit(main())
"""


def test_the_options_have_their_places(repository: Path, tmp_path: Path) -> None:
    settings = tmp_path / "a.toml"
    settings.write_text('source = ["demo"]\n[web]\naddress = "99999"\n')
    for words in (("--web", "99999"), ("--web.address", "99999"), ("--config", settings)):
        code, out, err = finish(start(repository, "--display", "off", *words))
        assert (code, out) == (2, "")
        assert "web: expected [HOST:]PORT, found '99999'" in one_line(err)


def test_a_port_in_use_ends_the_start_with_a_line(repository: Path) -> None:
    with page() as sink:
        port = sink.address.port
        code, _, err = finish(start(repository, "demo", "--display", "off", "--web", port))
    assert code == 1
    assert f"expected a free port, found 127.0.0.1:{port} in use" in one_line(err)


@pytest.mark.parametrize("name", ["starlette", "uvicorn", "segno", "prometheus_client"])
def test_a_missing_package_names_the_extra(name: str, repository: Path) -> None:
    arguments = ("run", "demo", "--display", "off", "--web", "0")
    done = subprocess.run(
        [sys.executable, "-c", LOST.format(name=name), *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"found no {name}; run 'make run-edge', or pip install '.[web]'" in one_line(done.stderr)


def test_a_run_says_where_its_page_is_and_ends_by_a_signal(repository: Path) -> None:
    process = start(repository, "demo", "--display", "off", "--web", "0", terminal=False)
    assert process.stderr
    line = process.stderr.readline()
    assert re.fullmatch(r"expressions: live page: http://127\.0\.0\.1:\d+/\n", line)
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    assert code == 0
    assert "Traceback" not in err


def test_doctor_says_where_it_will_be(tmp_path: Path) -> None:
    settings = RunSettings(web=WebOptions(address="0.0.0.0:8080", token_file=tmp_path / "token"))
    ((publisher, options),) = publishers(settings)
    assert publisher.check(options) == "http://0.0.0.0:8080/"
    assert not (tmp_path / "token").exists()  # it writes nothing
    (tmp_path / "token").write_text("short")
    with pytest.raises(SettingsError, match="token"):
        publisher.check(options)


def test_the_token_file_is_a_path_of_the_user() -> None:
    assert WebOptions(token_file=Path("~/token")).token_file == Path("~/token").expanduser()
    with pytest.raises(SettingsError, match="no such user"):
        WebOptions(token_file=Path("~nobody-of-that-name/token"))


def test_a_token_file_asks_for_the_token_on_this_machine_too(tmp_path: Path) -> None:
    with page(token_file=tmp_path / "token") as sink:
        send(sink)
        assert ask(sink, "/").status == 401


def test_the_page_has_the_colours_of_the_boxes() -> None:
    css = (Path(web.__file__).parents[1] / "web" / "page" / "page.css").read_text()
    found = re.findall(r"--k\d: #(\w\w)(\w\w)(\w\w);", css)
    assert [tuple(int(value, 16) for value in each[::-1]) for each in found] == list(
        overlay._COLOURS
    )
