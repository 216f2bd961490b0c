"""A worker process from outside: its replies, its errors and its end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.errors import WorkerError
from benchmarks.process import Process, peak_rss_mb
from benchmarks.serving import serve

ECHO = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "die":
        print("ValueError: it broke", file=sys.stderr)
        sys.exit(3)
    print(json.dumps(request), flush=True)
"""


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_each_request_has_a_reply_and_an_error_is_raised() -> None:
    with Process(python(ECHO)) as process:
        assert process.ask("add", number=2) == {"do": "add", "number": 2}
        with pytest.raises(WorkerError, match="too large"):
            process.ask("add", error="too large")
        assert process.ask("again") == {"do": "again"}
        assert process.age > 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone knows the peak")
def test_the_peak_rss_is_that_of_the_worker() -> None:
    with Process(python(ECHO)) as process:
        process.ask("begin")
        peak = process.peak_rss_mb()
    assert peak is not None
    assert 3 < peak < 60
    assert peak_rss_mb(os.getpid()) > peak


def test_a_worker_that_dies_says_its_last_line() -> None:
    with Process(python(ECHO)) as process, pytest.raises(WorkerError, match=r"3: ValueError: it b"):
        process.ask("die")


def test_a_worker_that_hangs_is_ended() -> None:
    code = "import time\ntime.sleep(600)"
    with Process(python(code), limit=0.3) as process:
        with pytest.raises(WorkerError, match=r"within 0\.3 s"):
            process.ask("anything")
        assert process.age < 60


def test_an_environment_that_is_not_there_is_one_line() -> None:
    with pytest.raises(WorkerError, match="no/python: expected the Python"):
        Process(("no/python", "-m", "benchmarks.worker"))


def test_variables_reach_the_worker() -> None:
    code = "import json, os\nprint(json.dumps({'is': os.environ['THREADS']}), flush=True)"
    with Process(python(code), environment={"THREADS": "1"}) as process:
        assert process.reply() == {"is": "1"}


def test_what_a_library_prints_does_not_reach_the_replies() -> None:
    code = (
        "from benchmarks.serving import replies, serve\nimport sys\n"
        "stream = replies()\nprint('a banner')\n"
        "serve({'double': lambda number: {'is': 2 * number}}, sys.stdin, stream)"
    )
    with Process(python(code)) as process:
        assert process.ask("double", number=21) == {"is": 42}


def test_serving_calls_the_method_of_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    serve({"add": lambda a, b: a + b}, ['{"do": "add", "a": 1, "b": 2}'], sys.stdout)
    assert capsys.readouterr().out == "3\n"
