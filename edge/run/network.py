"""What the settings of the service need a network for.

``python -m edge.run.network --config FILE`` prints the drop-in that opens the unit for that, and
nothing where no network is needed; the installer calls it.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import urlsplit

from cyclopts import App, CycloptsError, Parameter

from edge.errors import EdgeError, SettingsError
from edge.run.build import RunSettings, publishers
from edge.run.config import read_settings_file, refuse_other_values, take_addresses
from edge.settings import Settings
from edge.sources.stream import SCHEMES, masked
from edge.text import one_line, say, visible

if TYPE_CHECKING:
    _Settings = Settings
else:
    _Settings = Annotated[RunSettings, Parameter(name="*")]
_DEFAULTS = RunSettings()
app = App(
    config=(take_addresses, read_settings_file, refuse_other_values),
    default_parameter=Parameter(negative=()),
    result_action="return_value",
)


class Need(NamedTuple):
    """What needs a network, for people, and whether this device is all that it reaches."""

    text: str
    local: bool


def needs_network(settings: Settings) -> list[Need]:
    """Return what ``settings`` need a network for; empty where they need none."""
    streams = [address for address in settings.source if address.lower().startswith(SCHEMES)]
    needs = [Need(masked(address), is_local(address)) for address in streams]
    return needs + [
        Need(f"{publisher.name} {options.address}", is_local(options.address))
        for publisher, options in publishers(settings)
    ]


def drop_in(needs: Sequence[Need]) -> str:
    """Return what opens the service's unit for ``needs``, empty where there are none."""
    if not needs:
        return ""
    local = all(need.local for need in needs)
    reach = ["# This device alone:", "IPAddressAllow=localhost"] if local else ["IPAddressDeny="]
    return "\n".join(
        [
            "# Written by install-service, which is called again after a change of the settings.",
            "# They need a network for:",
            *(f"#   {visible(need.text)}" for need in needs),
            "[Service]",
            "PrivateNetwork=no",
            "RestrictAddressFamilies=AF_INET AF_INET6",
            *reach,
            "",
        ]
    )


def is_local(address: str) -> bool:
    """Whether "scheme://host…" or "[host:]port" is of this device."""
    url = address if "://" in address else f"//{address if ':' in address else f':{address}'}"
    try:
        host = urlsplit(url).hostname or "localhost"
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@app.default
def _print(settings: _Settings = _DEFAULTS, *, config: Path | None = None) -> None:
    """Print the drop-in for the settings file ``config``."""
    del config  # read_settings_file has used it
    sys.stdout.write(drop_in(needs_network(settings)))


def main(tokens: Sequence[str]) -> int:
    """Run the command line ``tokens`` and return its exit code; a failure is one line on stderr."""
    try:
        command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        command(*bound.args, **bound.kwargs)
    except (CycloptsError, EdgeError) as error:
        say(f"network: {one_line(error)}", file=sys.stderr)
        return SettingsError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
