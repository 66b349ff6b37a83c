"""Date and time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from duologue.agent.tools import Tool, tool


def now(place: str = "", days_ahead: int = 0) -> str:
    """The date and time here, or in a city or time zone such as "tokyo" or "Europe/Oslo", some days from now or ago."""
    moment = datetime.now(zone(place)) if place else datetime.now().astimezone()
    return (moment + timedelta(days=days_ahead)).strftime("%A, %d %B %Y, %H:%M")


def zone(place: str) -> ZoneInfo:
    """The time zone of a city or region of the IANA list. Raises ValueError for one that is not there."""
    wanted = place.strip().replace(" ", "_").lower()
    for name in sorted(available_timezones()):
        if wanted in (name.lower(), name.lower().rsplit("/", 1)[-1]):
            return ZoneInfo(name)
    raise ValueError(f"no time zone is called {place!r}; name the zone's city, such as New York or Tokyo")


def clock() -> Tool:
    return tool(now, changes=False, trusted=True)
