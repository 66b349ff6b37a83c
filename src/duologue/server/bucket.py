"""A rate with room for bursts."""

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """A token bucket: `rate` a second on average, `most` at once."""

    rate: float
    most: float
    tokens: float
    at_s: float

    @classmethod
    def full(cls, rate: float, most: float, now_s: float) -> "Bucket":
        return cls(rate, most, most, now_s)

    def take(self, now_s: float, amount: float = 1) -> bool:
        """Whether so much more is allowed."""
        self.tokens = min(self.most, self.tokens + (now_s - self.at_s) * self.rate)
        self.at_s = now_s
        if self.tokens < amount:
            return False
        self.tokens -= amount
        return True
