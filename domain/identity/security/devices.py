"""What a User-Agent says of the device. Pure."""

from __future__ import annotations

from typing import Any, Final

import ua_parser

from domain.kernel.authors import Origin

__all__ = ["device_info"]

# A browser sends a few hundred characters; what goes far beyond is cut off before it is searched and stored.
LONGEST: Final = 1_000
PHONES: Final = frozenset({"iOS", "Android", "Windows Phone", "BlackBerry OS", "KaiOS", "Firefox OS"})


def device_info(origin: Origin | None) -> dict[str, Any] | None:
    """user_agent, ip_address, browser, os and device_type (desktop, mobile, tablet, bot); None without a request.

    browser and os are null where the agent does not say; the type is desktop then.
    """
    if origin is None:
        return None
    agent = origin.user_agent[:LONGEST]
    found = ua_parser.parse(agent)
    system = found.os.family if found.os else None
    return {
        "user_agent": agent or None,
        "ip_address": origin.address,
        "browser": found.user_agent.family if found.user_agent else None,
        "os": system,
        "device_type": _type(system, found.device.family if found.device else "", agent),
    }


def _type(system: str | None, device: str, agent: str) -> str:
    if device == "Spider":
        return "bot"
    if system not in PHONES:
        return "desktop"
    # Android tablets are told from phones by what they leave out.
    tablet = device == "iPad" or "Tablet" in agent or (system == "Android" and "Mobile" not in agent)
    return "tablet" if tablet else "mobile"
