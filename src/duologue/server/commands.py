"""`duologue serve`: the command, thin; it imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from duologue.agent import options
from duologue.errors import ConfigError


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; anything but loopback needs --keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    keys: Annotated[Path | None, typer.Option(help="File of API keys, one a line.")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="A page that may connect, beside the server's own; may be repeated.")] = None,
    cert: Annotated[Path | None, typer.Option(help="TLS certificate; with --cert-key.")] = None,
    cert_key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
    sessions: Annotated[int, typer.Option(min=1, help="At most so many at once; fewer where the machine is slower.")] = 32,
    patience: Annotated[float, typer.Option(min=-8, max=8, help="Added to the model's own wish to wait; 0 as trained.")] = 0.0,
    model: options.Model = None,
    base_url: options.BaseUrl = None,
    api: options.Api = "chat",
    takes: options.Takes = None,
    tokens: options.Tokens = None,
    ears: options.Ears = None,
    mcp: options.Mcp = None,
    tools: options.Tools = None,
    allow: options.Allow = None,
    folder: options.Folder = None,
    record: Annotated[Path | None, typer.Option(help="Folder for recordings of every session. Off unless given.")] = None,
    record_days: Annotated[float, typer.Option(min=0, help="Delete recordings after so many days.")] = 30.0,
    spoken_sign: Annotated[
        bool, typer.Option("--spoken-sign/--no-spoken-sign", help='The page says "you are talking to a machine" when a talk begins; off only where you say so otherwise.')
    ] = True,
    checkpoint: Annotated[Path | None, typer.Option(help="Weights to use instead of the shipped ones.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve live conversations: the page, GPT-Live's and Realtime's WebSockets. See docs/wire.md.

    **Example:** `duologue serve`, then open http://127.0.0.1:8000

    With a model of your own behind it, its key in OPENAI_API_KEY:
    `duologue serve --model llama3.2 --base-url http://localhost:11434/v1 --mcp "uvx mcp-server-time" --allow get_current_time`
    """
    from functools import partial

    from duologue.agent.behind import Behind, agents
    from duologue.engine.apart import Apart
    from duologue.live import Conversation
    from duologue.server.app import Server
    from duologue.server.run import run
    from duologue.server.settings import Settings, check_reach, read_keys

    if (cert is None) != (cert_key is None):
        raise ConfigError("give --cert and --cert-key together, or neither")
    if record:
        record.mkdir(parents=True, exist_ok=True)
    behind = {"takes": takes, "tokens": tokens, "ears": ears, "mcp": mcp, "tools": tools, "allow": allow, "folder": folder}
    make_agent = agents(Behind.of(model=model, base_url=base_url, api=api, **behind))
    known = read_keys(keys)
    check_reach(host, known)
    settings = Settings(
        keys=known, origins=tuple(origin or ()), sessions=sessions, patience=patience, record=record, record_days=record_days,
        spoken_sign=spoken_sign,
    )  # fmt: skip
    with Apart(partial(_schedule, checkpoint, device, sessions)) as schedule:
        server = Server(partial(Conversation.on, schedule), settings, lambda: schedule.tick_ms, agents=make_agent)
        schedule.ready()
        run(server, host, port, cert, cert_key, show)


def _schedule(checkpoint: Path | None, device: str, sessions: int):
    """In the engine's process. Raises ConfigError or DataError for what cannot be used."""
    import torch

    from duologue.device import chosen
    from duologue.engine.engine import Engine, load
    from duologue.engine.schedule import Schedule

    torch.set_num_threads(1)  # a busy machine punishes two: 0.1 ms operations become 4-16 ms
    return Schedule(Engine(load(checkpoint, device=chosen(device)), sessions))


def forget(
    folder: Annotated[Path, typer.Argument(help="The folder of `serve --record`.")],
    session: Annotated[str | None, typer.Option(help="Only the recording of this session.")] = None,
    days: Annotated[float | None, typer.Option(min=0, help="Only those last written to more than so many days ago.")] = None,
) -> None:
    """Delete recorded sessions: one, those that are old, or all.

    **Example:** `duologue forget recordings --days 7`
    """
    from duologue.server import recordings

    if session and days is not None:
        raise ConfigError("give --session or --days, not both")
    if session:
        found = recordings.named(folder, session)
    else:
        found = recordings.recordings(folder) if days is None else recordings.expired(folder, days)
    typer.echo(f"{recordings.forget(found)} recordings deleted")
