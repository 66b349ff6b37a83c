"""What a user may set of the background side, as options of the command line: `serve` and `talk` have the same."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Option

PANEL = "The background side: docs/delegation.md"

Model = Annotated[
    str | None, Option(rich_help_panel=PANEL, help="Language model behind it; without one, a small planner that needs no network.")
]
BaseUrl = Annotated[
    str | None, Option(rich_help_panel=PANEL, metavar="URL", help="Its OpenAI-compatible endpoint; OpenAI's own if none.")
]
Api = Annotated[Literal["responses", "chat"], Option(rich_help_panel=PANEL, help="Which interface that endpoint speaks.")]
Takes = Annotated[
    str | None, Option(rich_help_panel=PANEL, metavar="KINDS", help="What the model takes besides text: `sound`, `picture` or `sound,picture`.")
]
Tokens = Annotated[
    int | None, Option(rich_help_panel=PANEL, min=1, help="Most tokens it may read and write in a conversation; 500,000 unless given.")
]
Ears = Annotated[
    str | None,
    Option(
        rich_help_panel=PANEL,
        metavar="WHISPER",
        help="A Whisper model that hears each request again before it is worked on: `tiny.en` (with the extra `ears`), `small.en`, a folder.",
    ),
]
Mcp = Annotated[
    list[str] | None,
    Option(rich_help_panel=PANEL, metavar="COMMAND|URL", help="An MCP server whose tools it may use; may be repeated."),
]
Tools = Annotated[
    list[str] | None,
    Option(rich_help_panel=PANEL, metavar="MODULE[:FUNCTION]", help="Typed Python functions of your own, found from this folder; may be repeated."),
]
Allow = Annotated[
    list[str] | None,
    Option(
        rich_help_panel=PANEL,
        metavar="TOOL",
        help="A tool of a server or of yours that runs without asking you, unless the task has read words from elsewhere; may be repeated.",
    ),
]
Folder = Annotated[Path | None, Option(rich_help_panel=PANEL, help="Documents that it may search.")]
