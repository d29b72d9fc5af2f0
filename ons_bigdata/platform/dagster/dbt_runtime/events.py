"""Events of dbt: those that nobody reads are not written out.

For a hundred events of the level `debug`, such as each query, there is one with the outcome of a node. No log file is
kept (`--log-level-file none`), the console shows `info`, and the callbacks want outcomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager

if TYPE_CHECKING:
    from dbt_common.events.base_types import BaseEvent

_UNREAD = {EventLevel.DEBUG, EventLevel.TEST}


class ReadEvents(EventManager):
    """Manager of dbt's events that passes on those of a level that the console or a callback reads."""

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,  # noqa: ANN401  (as in dbt)
        force_warn_or_error_handling: bool = False,
    ) -> None:
        """Pass an event to loggers and callbacks unless its level is that of debugging."""
        if force_warn_or_error_handling or (level or e.level_tag()) not in _UNREAD:
            super().fire_event(e, level, node, force_warn_or_error_handling)


def leave_out_debugging() -> None:
    """Leave out the events of debugging of dbt in this process from now on."""
    if not isinstance(get_event_manager(), ReadEvents):
        ctx_set_event_manager(ReadEvents())
