"""Settings of a model, as frozen values. A preset is a function, so a variation is code: `replace(nano(), layers=8)`."""

import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from duologue.errors import ConfigError

TIME_SLOTS = 16  # RoPE positions a turn: elapsed time is part of the geometry

RANGES = {"layers": (1, 1024), "flow_layers": (1, 1024), "mouth_layers": (1, 1024), "experts": (0, 1024), "rope_base": (1, 1e12), "norm_eps": (0, 1)}  # else 1 to 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """Everything that decides the shape of the weights, and what they were trained with."""

    width: int = 320
    layers: int = 7
    heads: int = 4
    kv_heads: int = 2
    head_width: int = 64
    hidden: int = 896  # of the gated feed-forward layer
    experts: int = 0  # 0 is dense
    experts_active: int = 2
    balanced: bool = False  # the router: False is Qwen3-MoE's, True DeepSeek-V3's
    vocabulary: int = 4096
    rope_base: float = 10_000.0
    norm_eps: float = 1e-6
    sink: bool = True  # False with rope_base 1e6 is Qwen3 exactly
    window: int = 640  # positions that a position can look back
    front: int = 128  # width of the light convolution over dMel frames
    flow_width: int = 512
    flow_layers: int = 3
    mouth: int = 192  # width of the small trunk that decides on phonemes
    mouth_layers: int = 4

    def __post_init__(self):
        for field in fields(self):
            _check(field.name, field.type, getattr(self, field.name))
        if self.experts and self.experts_active > self.experts:
            raise ConfigError(f"experts_active={self.experts_active} must be at most experts={self.experts}")
        if self.head_width % 2:
            raise ConfigError(f"head_width={self.head_width} must be even: RoPE turns pairs")
        if self.mouth % 64:
            raise ConfigError(f"mouth={self.mouth} must be a multiple of 64: its heads are so wide")
        if self.heads % self.kv_heads:
            raise ConfigError(f"heads={self.heads} must be a multiple of kv_heads={self.kv_heads}")

    @classmethod
    def from_dict(cls, values: dict) -> "Config":
        """Raises ConfigError for a key that no setting has (a checkpoint of another version) and for a value that none can have."""
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise ConfigError(f"unknown setting {sorted(unknown)[0]!r}; this version knows {[f.name for f in fields(cls)]}")
        return cls(**values)

    @property
    def least_weights(self) -> int:
        """Bounds the number of weights from below, close to it, so that a size that is out of all proportion is seen before a model is made."""
        layer = 2 * self.width * self.head_width * (self.heads + self.kv_heads) + 3 * self.width * self.hidden * max(1, self.experts)
        flow = 2 * self.flow_layers * self.flow_width**2 + 12 * self.mouth_layers * self.mouth**2
        return self.layers * layer + self.width * (self.vocabulary + self.width + self.front) + flow + self.front**2

    def to_dict(self) -> dict:
        return asdict(self)


def _check(name: str, kind: type, value: object) -> None:
    """The settings of a checkpoint may have been written by anybody."""
    least, most = RANGES.get(name, (1, 1 << 20))
    fits = type(value) is kind or (kind is float and type(value) is int)
    if not fits or (kind is not bool and not least <= value <= most):
        wanted = "true or false" if kind is bool else f"{'a whole number' if kind is int else 'a number'} from {least:g} to {most:g}"
        raise ConfigError(f"{name}={value!r:.60} cannot be used; it must be {wanted}")


def nano() -> Config:
    """Ships with its weights; live on one CPU core."""
    return Config()


def nano_moe() -> Config:
    """Computes as much as nano for a position, with four times its feed-forward weights."""
    return Config(hidden=448, experts=8, experts_active=2, balanced=True)


def pico() -> Config:
    """About 2M parameters: trains in twenty minutes, for tests and tinkering."""
    return Config(width=128, layers=4, heads=2, kv_heads=1, hidden=352, front=48, flow_width=192, flow_layers=2,
                  mouth=64, mouth_layers=3)  # fmt: skip


def pico_moe() -> Config:
    """Computes as much as pico for a position, with four times its feed-forward weights."""
    return replace(pico(), hidden=176, experts=8, experts_active=2, balanced=True)


def micro() -> Config:
    """About 100M parameters, for one GPU."""
    return Config(width=768, layers=12, heads=12, kv_heads=4, hidden=2048, front=256, flow_width=1024, flow_layers=4)


def small() -> Config:
    """The trunk of Qwen3-0.6B, so that its weights can be the start; for one GPU."""
    return Config(width=1024, layers=28, heads=16, kv_heads=8, head_width=128, hidden=3072, rope_base=1e6, front=512,
                  flow_width=1536, flow_layers=6)  # fmt: skip


def tml_small() -> Config:
    """The size of the reference system, 276B parameters of which 12B act: for planning on the meta device only."""
    return Config(width=4096, layers=64, heads=64, kv_heads=4, head_width=128, hidden=2048, experts=168, experts_active=4,
                  vocabulary=151_936, rope_base=1e6, front=1024, flow_width=4096, flow_layers=8)  # fmt: skip


def tiny() -> Config:
    """A toy for tests: every part is there, nothing is learned."""
    return Config(width=32, layers=2, heads=2, kv_heads=1, head_width=16, hidden=64, front=16, flow_width=64,
                  flow_layers=2, mouth=64, mouth_layers=1)  # fmt: skip


PRESETS = {f.__name__: f for f in (nano, nano_moe, pico, pico_moe, micro, small, tml_small, tiny)}


def preset(name: str) -> Config:
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()


def cache_dir() -> Path:
    """Where voices, shards and checkpoints live: $DUOLOGUE_CACHE or ~/.cache/duologue."""
    return Path(os.environ.get("DUOLOGUE_CACHE") or Path.home() / ".cache" / "duologue")


def policy_path() -> Path | None:
    """The policy that replaces the shipped one: $DUOLOGUE_POLICY, or none."""
    named = os.environ.get("DUOLOGUE_POLICY")
    return Path(named) if named else None


def api_key() -> str:
    """For servers that are measured: $DUOLOGUE_API_KEY, or nothing."""
    return os.environ.get("DUOLOGUE_API_KEY", "")
