"""The HTML says what the Markdown says."""

from __future__ import annotations

from benchmarks.report import html

TEXT = """# A <title>

- one **bold**
- two `a < b`

## Next: part

| | n |
| --- | ---: |
| a\\|b | **3** |

A [link](other.md) & more.

![What it shows (all).](f.png)
"""


def test_blocks_become_elements() -> None:
    shown = html.render(TEXT, {"f.png": "<svg></svg>"})
    assert "<title>A &lt;title&gt;</title>" in shown
    assert "<ul><li>one <strong>bold</strong></li><li>two <code>a &lt; b</code></li></ul>" in shown
    assert '<h2 id="next-part">Next: part</h2>' in shown
    assert '<a href="#next-part">Next: part</a>' in shown
    assert '<thead><tr><th scope="col"></th><th scope="col">n</th></tr></thead>' in shown
    assert '<tr><th scope="row">a|b</th><td><strong>3</strong></td></tr>' in shown
    assert '<p>A <a href="other.md">link</a> &amp; more.</p>' in shown
    assert "<figcaption>What it shows (all).</figcaption>" in shown
    assert "<svg></svg>" in shown


def test_it_serves_phones_the_dark_and_paper() -> None:
    shown = html.render(TEXT, {"f.png": ""})
    for part in ('name="viewport"', "prefers-color-scheme: dark", "@media print", 'lang="en"'):
        assert part in shown
