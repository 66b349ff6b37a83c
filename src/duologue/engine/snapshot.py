"""A session as bytes: all that it remembers, so that it goes on elsewhere with the same bits. Safetensors, never pickle."""

import json
from dataclasses import fields

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from duologue.engine.session import Session
from duologue.errors import SessionError
from duologue.model.ring import Cache
from duologue.model.state import State
from duologue.model.vocoder import VocoderState


def pack(session: Session, state: State, voice: VocoderState, weights: str) -> bytes:
    """`state` and `voice` are this session's row alone; `weights` names the weights that they belong to."""
    about = json.dumps(session.plain() | {"weights": weights}).encode()
    tensors = {"ring": state.cache.rings(), "history": torch.from_numpy(session.history_S)}
    tensors |= {"about": torch.frombuffer(bytearray(about), dtype=torch.uint8)}
    tensors |= {f"state.{name}": values for name, values in state.small().items()}
    tensors |= {f"voice.{f.name}": getattr(voice, f.name) for f in fields(voice)}
    return save({name: values.contiguous().cpu() for name, values in tensors.items()})


def unpack(snapshot: bytes, row: int, weights: str) -> tuple[Session, State, VocoderState]:
    """The session in its new row. Raises SessionError for bytes that are no snapshot of a session with these weights."""
    try:
        tensors = load(snapshot)
        about = json.loads(tensors.pop("about").numpy().tobytes())
        theirs = about.pop("weights")
        session = Session(row=row, history_S=tensors["history"].numpy(), **about)
        small = {name[6:]: values for name, values in tensors.items() if name.startswith("state.")}
        state = State(Cache(tensors["ring"], small.pop("count_B")), **small)
        voice = VocoderState(**{name[6:]: values for name, values in tensors.items() if name.startswith("voice.")})
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise SessionError(f"not a snapshot of a session ({error}); open a new one") from error
    if theirs != weights:
        raise SessionError(f"the snapshot belongs to weights {theirs[:12]}, here are {weights[:12]}; open a new session")
    return session, state, voice
