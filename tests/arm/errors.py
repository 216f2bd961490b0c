"""What ends the trial on a Raspberry Pi's instruction set.

::

    TrialError    exit code 1: something is missing here, or the runtime doesn't work there
"""

from __future__ import annotations


class TrialError(Exception):
    """Something is missing here, or the runtime doesn't work there."""

    exit_code = 1
