"""What Home Assistant is told so that a camera appears there by itself.

The format is that of https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from edge.records import EventKind

NOBODY = "none"
"""The state of the expression where nobody is there."""
_EXPIRES = 100
"""Seconds without a state after which a sensor is unavailable: three times the longest pause."""


def discovery(
    identity: str,
    name: str,
    topic: str,
    availability: str,
    labels: Sequence[str],
    pictures: bool,
    version: str,
) -> Mapping[str, Any]:
    """Return the device of one camera with its entities.

    ``identity`` tells it from others for ever, ``name`` is for people, below ``topic`` it publishes
    ``state``, ``events`` and, where there are ``pictures``, ``picture``.
    """
    state = {"state_topic": f"{topic}/state", "expire_after": _EXPIRES}
    entities: dict[str, dict[str, Any]] = {
        "people": {
            "p": "sensor",
            "name": "People",
            "icon": "mdi:account-multiple",
            "state_class": "measurement",
            "value_template": "{{ value_json.people }}",
            **state,
        },
        "expression": {
            "p": "sensor",
            "name": "Expression",
            "icon": "mdi:emoticon-outline",
            "device_class": "enum",
            "options": [*labels, NOBODY],
            "value_template": f"{{{{ value_json.expression or '{NOBODY}' }}}}",
            "json_attributes_topic": f"{topic}/state",
            "json_attributes_template": "{{ dict(value_json.share, certain=value_json.certain)"
            " | tojson }}",
            **state,
        },
        "connected": {
            "p": "binary_sensor",
            "name": "Source",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "value_template": "{{ 'ON' if value_json.connected else 'OFF' }}",
            **state,
        },
        "events": {
            "p": "event",
            "name": "Person",
            "icon": "mdi:account-arrow-right",
            "event_types": list(get_args(EventKind)),
            "state_topic": f"{topic}/events",
            "value_template": "{{ dict(value_json, event_type=value_json.event) | tojson }}",
        },
    }
    if pictures:
        entities["picture"] = {
            "p": "image",
            "name": "Picture",
            "image_topic": f"{topic}/picture",
            "content_type": "image/jpeg",
        }
    return {
        "dev": {"ids": [identity], "name": name, "mdl": "Facial expressions", "sw": version},
        "o": {"name": "edge-expressions", "sw": version},
        "availability_topic": availability,
        "cmps": {
            key: {"unique_id": f"{identity}_{key}", **entity} for key, entity in entities.items()
        },
    }
