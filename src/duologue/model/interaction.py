"""The interaction model: fusion, trunk, token heads, decision, flow head, trained together.

Read `InteractionModel.loss` (training on flat batches) and `stream.turn` (one live micro-turn) first. Both
follow `layout`: an output position is predicted from the hidden state of the position before it.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from duologue.config import Config
from duologue.kernels.ops import Ops, live
from duologue.media.patches import LEVEL
from duologue.model.batch import Batch, Told, sound_before, stretches
from duologue.model.eyes import MOVED, distracted, moved
from duologue.model.flow import ROUGH, TARGET, FlowHead
from duologue.model.fuse import Fuse, last_written
from duologue.model.heads import DECISION, TokenHeads
from duologue.model.layout import AUDIO, BEFORE, CHANNELS, LETTERS, NOW, OUT
from duologue.model.moe import Experts
from duologue.model.pronouncing import SPOKEN, Pronouncing, marked
from duologue.model.trunk import Attention, GatedMLP, Linear, Trunk

PAD_WEIGHT = 0.3
CALM_WEIGHT = 0.1  # of decisions far from any event
WEIGHTS = {
    "hear": 2.0, "say": 4.0, "text": 4.0, "act": 4.0,  # what it says and writes is rare beside what it hears
    "decision": 1.0, "moved": 0.5, "distracted": 4.0,
    "flow": 3.0,  # most of its loss is noise that nobody could foretell
    "pronouncing": 1.0, "spelling": 0.4, "draft": 2.0,
}  # fmt: skip
SKILL_WEIGHTS = WEIGHTS | {"distracted": 8.0, "hear": 1.0, "decision": 6.0, "pronouncing": 0.3}  # a new skill is first of all when to speak, a few turns of a window
TEACHERS = ("draft", "seeing", "knowing", "moving", "ctc")  # heads that teach and nothing else
UNKEPT = (*TEACHERS, "trunk.eyes", "fuse.stem.mixes", "fuse.stem.gather", "fuse.stem.leave", "pronouncing", "fuse.phones", "flow.phones", "flow.past", "flow.offset")  # what begins as nothing: a checkpoint may leave it out
FLOW_SOUNDS, FLOW_DRAWS, SAID = 100, 2, 4  # own positions that the flow head learns from, for each row of a batch, drawn at random; noises for each; stretches of SPOKEN of them that teach pronouncing
UNSURE = 8  # positions at the beginning of such a stretch whose word may have begun before it
CTC_STEPS, CTC_EDGE = 4, 4  # steps in a position; positions left out at both ends of a window
SEEN, KNOWN = 519, 1097  # numbers that tell all that a picture is asked at once, and which drawing it shows (`data.seen`)
STRETCH = 256  # positions appended at once when a whole session is scored


class InteractionModel(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config, self.dtype = config, torch.float32
        self.fuse, self.trunk = Fuse(config), Trunk(config, eyes=not config.experts)  # a router can give pictures experts of their own
        self.heads, self.flow = TokenHeads(config), FlowHead(config)
        self.spelling = nn.Linear(config.width, 2 * LETTERS)  # teaches hearing; not used live
        self.pronouncing = Pronouncing(config)
        self.draft = nn.Linear(config.width, TARGET)  # teaches speaking; not used live
        self.ctc = nn.Linear(config.width, CTC_STEPS * (1 + LETTERS))  # the same, `ear_loss` alone
        self.moving = nn.Linear(config.width, sum(MOVED))  # the same, `look_loss` alone
        self.seeing = nn.Linear(config.width, SEEN)  # teaches sight, `eyes.eye_loss` alone
        self.knowing = nn.Linear(config.width, KNOWN)  # the same
        nn.init.constant_(self.spelling.bias, -3.0)
        for name in TEACHERS:
            nn.init.zeros_(self.get_submodule(name).weight)
        self.apply(_initialise)

    @property
    def device(self) -> torch.device:
        return self.trunk.norm.weight.device

    def settle(self, dtype: torch.dtype, ops: Ops | None = None) -> "InteractionModel":
        """For inference, on the device where it will stay: nothing is cast or reordered in a turn. The bits stay those of
        training in `dtype` with the same operations, those of live sessions if None. Heads that only teach are let go."""
        for name in TEACHERS:
            self._modules.pop(name, None)
        self.dtype, ops = dtype, ops or live(self.device.type)
        for module in self.modules():
            if isinstance(module, Linear | Experts):
                module.settle(dtype, ops)
        for module in self.modules():
            if isinstance(module, Attention | GatedMLP):
                module.settle(ops)
        self.pronouncing.settle(ops)
        self.flow.settle(dtype)
        self.fuse.front.settle(dtype)
        self.heads.settle(self.fuse.tokens.to(dtype), ops)
        self.trunk.settle(ops)
        return self.eval()

    def embed(self, batch: Batch, dtype: torch.dtype) -> torch.Tensor:
        """The flat sequence [B, N, D] of a batch."""
        recalled_BTXD = self.fuse.recalled(*last_written(batch.given_BTXC.flatten(1, 2)), dtype).unflatten(1, (-1, OUT))
        first, second = batch.given_BTXC.unbind(2)
        written = [self.fuse.output(first, 0, None, dtype), self.fuse.output(second, 1, batch.speak_BT, dtype)]
        parts = [
            self.fuse.kind.new_zeros(1, self.config.width),
            self.fuse.user_sound(batch.user_BFM, batch.lost_B2T, dtype, recalled_BTXD[:, :, 0]).flatten(0, 1),
            self.fuse.own_sound(batch.own_SFM, marked(batch.own_phones_RP[:, NOW]).unflatten(0, (-1, AUDIO)), dtype).flatten(0, 1),
            self.fuse.text(batch.text_R, batch.text_before_R, batch.text_place_R, dtype),
            (torch.stack(written, 2) + recalled_BTXD).flatten(0, 2),
        ]
        if len(batch.patches_R):  # else the stem has no gradient, and the optimiser leaves it alone
            parts.append(self.fuse.picture(batch.patches_R * LEVEL - 1, dtype).flatten(0, 1))
        return torch.cat(parts).index_select(0, batch.source_BN.flatten()).unflatten(0, batch.source_BN.shape)

    def hidden(self, batch: Batch, dtype: torch.dtype) -> torch.Tensor:
        """States [B * N, D] behind the trunk."""
        return self.trunk(self.embed(batch, dtype), batch.time_BN, dtype, batch.seen_R).flatten(0, 1)

    def loss(self, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> dict[str, torch.Tensor]:
        """Every loss by name, `total` among them; each a mean over what it counts."""
        hidden = self.hidden(batch, dtype)
        losses = self._written_losses(hidden, batch, dtype)
        losses["flow"] = self._flow_loss(hidden, batch, dtype)
        losses["spelling"] = self._spelling_loss(hidden, batch)
        losses["pronouncing"], losses["draft"] = self._speaking_losses(hidden, batch, dtype)
        return _summed(losses)

    def look_loss(self, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> dict[str, torch.Tensor]:
        """What is written and decided, alone: what pictures' own layers learn from while all else stays as it is."""
        x_BND = self.embed(batch, dtype)
        hidden_BND, halfway = self.trunk.looking(x_BND, batch.time_BN, dtype, batch.seen_R)
        losses = self._written_losses(hidden_BND.flatten(0, 1), batch, dtype)
        losses["distracted"] = distracted(self.trunk, hidden_BND, x_BND, batch, dtype)
        losses["moved"] = losses["decision"] * 0 if halfway is None else moved(self.moving, halfway, batch)
        return _summed(losses, SKILL_WEIGHTS)

    def skill_loss(self, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> dict[str, torch.Tensor]:
        """What is heard, said, written and decided; how it sounds is left as it is."""
        hidden = self.hidden(batch, dtype)
        losses = self._written_losses(hidden, batch, dtype)
        losses["pronouncing"], _ = self._speaking_losses(hidden, batch, dtype)
        return _summed(losses, SKILL_WEIGHTS)

    def ear_loss(self, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> dict[str, torch.Tensor]:
        """The letters of all words in order, from the embeddings of sound alone: the front learns to hear before the rest does.

        Source: Graves et al., Connectionist Temporal Classification, ICML 2006. Mean over letters.
        """
        guess = self.spelled(self.sound(batch, dtype), batch)
        steps, letters = torch.tensor([len(g) for g in guess], device=self.device), (batch.spelled_BS > 0).sum(1)
        loss = F.ctc_loss(pad_sequence(guess), batch.spelled_BS, steps, letters, reduction="sum", zero_infinity=True)
        loss = loss / letters.sum().clamp(min=1)
        return {"ctc": loss, "total": loss}

    def sound(self, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        """Embeddings [A positions, D] of the user's sound in a batch."""
        table = self.fuse.user_sound(batch.user_BFM, batch.lost_B2T, dtype).flatten(0, 1)
        return table.index_select(0, batch.source_BN.flatten()[batch.listening_R] - 1)

    def spelled(self, sound_RD: torch.Tensor, batch: Batch) -> list[torch.Tensor]:
        """Log-probabilities of letters, blank first: [steps, 1 + LETTERS] for each row of a batch, without its edges."""
        rows = sound_RD.split(torch.bincount(batch.listening_R // batch.source_BN.shape[1]).tolist())
        return [self.ctc(row[CTC_EDGE:-CTC_EDGE]).view(-1, 1 + LETTERS).log_softmax(-1) for row in rows]

    def mouth_loss(self, told: Told, dtype: torch.dtype = torch.bfloat16) -> dict[str, torch.Tensor]:
        """What the own voice says and how it sounds, the trunk as it is: in conversations, and in sentences of which it knows nothing."""
        batch, read = told.talk, told.read
        with torch.no_grad():
            hidden = self.hidden(batch, dtype)
        losses = {"flow": self._flow_loss(hidden, batch, dtype), "pronouncing": self._speaking_losses(hidden, batch, dtype)[0]}
        unknown = hidden.new_zeros(*read.spoken_SNE.shape[:2], self.config.width)
        guess = self.pronouncing(read.spoken_SNE, unknown, read.phones_SNP, dtype)[read.asked_SN]
        losses["read"] = F.cross_entropy(guess.flatten(0, 1), read.phones_SNP[read.asked_SN][:, 1:].flatten())
        losses["total"] = WEIGHTS["flow"] * losses["flow"] + losses["pronouncing"] + losses["read"]
        return losses

    def decisions(self, batch: Batch, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        """Log-probability of every decision of a batch, in the order of its turns, with the bits of the live session."""
        return self.decided(self.appended(batch, dtype), batch)

    def appended(self, batch: Batch, dtype: torch.dtype, stretch: int | None = None) -> torch.Tensor:
        """Hidden states [B * N, D] of a batch with the bits of the live session; gradients flow.

        Over the same ring as in `stream`, `stretch` positions at a time; if None, whole sequences at once where that has the
        same bits.
        """
        x, valid = self.embed(batch, dtype), batch.source_BN > 0
        if stretch is None and self.trunk.chosen(x).exact:
            return self.trunk(x, batch.time_BN, dtype, batch.seen_R).flatten(0, 1)
        cache, seen_BN = self.trunk.start(len(x), dtype), torch.zeros_like(valid)
        seen_BN.view(-1)[batch.seen_R] = True
        parts = zip(*(t.split(stretch or STRETCH, 1) for t in (x, batch.time_BN, valid, seen_BN)), strict=True)
        return torch.cat([self.trunk.extend(*part, cache, seen.flatten().nonzero()[:, 0]) for *part, seen in parts], 1).flatten(0, 1)

    def decided(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Log-probability of every decision, from hidden states [B * N, D]."""
        second = batch.output_of_R % 2 == 1
        gate = self.heads.gate(hidden.index_select(0, batch.outputs_R[second] - 1))[:, DECISION]
        speak = batch.speak_BT.flatten()[batch.output_of_R[second] // 2]
        return F.logsigmoid((speak * 2.0 - 1) * gate)

    def _written_losses(self, hidden: torch.Tensor, batch: Batch, dtype: torch.dtype) -> dict[str, torch.Tensor]:
        """Of each channel, and of the decision to speak."""
        before = hidden.index_select(0, batch.outputs_R - 1)
        tokens = batch.tokens_BTXC.flatten(0, 2).index_select(0, batch.output_of_R)
        gates, second = self.heads.gate(before), batch.output_of_R % 2 == 1
        losses = {name: self._channel_loss(c, before, gates[:, c], tokens[:, c], dtype) for c, name in enumerate(CHANNELS)}
        losses["decision"] = self._decision_loss(gates[second, DECISION], batch, batch.output_of_R[second] // 2)
        return losses

    def _channel_loss(self, c: int, hidden: torch.Tensor, gate: torch.Tensor, token: torch.Tensor, dtype) -> torch.Tensor:
        there = token > 0
        weight = torch.where(there, 1.0, PAD_WEIGHT) * (token >= 0)
        loss = (F.binary_cross_entropy_with_logits(gate, there.float(), reduction="none") * weight).sum()
        if there.any():
            logits = self.heads.logits(c, hidden[there], self.fuse.tokens, dtype)
            loss = loss + F.cross_entropy(logits, token[there], reduction="sum")
        return loss / weight.sum().clamp(min=1)

    def _decision_loss(self, gate: torch.Tensor, batch: Batch, turns: torch.Tensor) -> torch.Tensor:
        weight = torch.where(batch.important_BT.flatten()[turns] != 0, 1.0, CALM_WEIGHT)
        speak = batch.speak_BT.flatten()[turns].float()
        return (F.binary_cross_entropy_with_logits(gate, speak, reduction="none") * weight).sum() / weight.sum()

    def _spelling_loss(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Which letters are being spoken, for every 100 ms: a dense teacher where words come rarely."""
        guess_RL = self.spelling(hidden.index_select(0, batch.listening_R))
        return F.binary_cross_entropy_with_logits(guess_RL, batch.letters_RL, reduction="none").sum(-1).mean()

    def _speaking_losses(self, hidden: torch.Tensor, batch: Batch, dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """Which phonemes are due, and the mean of the frames as the trunk has it: the encoder's loss of Grad-TTS (Popov et al.,
        arXiv 2105.06337)."""
        if not len(batch.sounds_R):
            return hidden.sum() * 0, hidden.sum() * 0
        before = hidden.index_select(0, batch.sounds_R - 1)
        last = torch.randint(len(batch.sounds_R), (SAID * len(batch.speak_BT),), device=hidden.device)
        return self._pronouncing_loss(before, batch, last, dtype), F.mse_loss(self.draft(before), batch.own_mel_RF)

    def _pronouncing_loss(self, before: torch.Tensor, batch: Batch, last_W: torch.Tensor, dtype) -> torch.Tensor:
        """Over stretches of own positions that end with these at the latest. What stands at the beginning of one but not of its speech
        is not asked."""
        first_W = torch.maximum(batch.begun_R[last_W], last_W - 2 * SPOKEN + 1)
        at_WN, there_WN = stretches(batch, first_W, 2 * SPOKEN)
        phones = batch.own_phones_RP[at_WN][..., BEFORE.stop - 1 :]
        guess = self.pronouncing(batch.spoken_RE[at_WN], before[at_WN], phones, dtype)
        whole = batch.begun_R[first_W] == first_W
        asked_WN = there_WN & (whole[:, None] | (torch.arange(2 * SPOKEN, device=last_W.device) >= UNSURE))
        return F.cross_entropy(guess[asked_WN].flatten(0, 1), phones[asked_WN][:, 1:].flatten())

    def _flow_loss(self, hidden: torch.Tensor, batch: Batch, dtype) -> torch.Tensor:
        if not len(batch.sounds_R):
            return hidden.sum() * 0
        drawn = torch.randperm(len(batch.sounds_R), device=hidden.device)[: FLOW_SOUNDS * len(batch.speak_BT)]
        before, past = hidden.index_select(0, batch.sounds_R[drawn] - 1), sound_before(batch)[drawn]
        past = past + torch.randn_like(past) * torch.rand_like(past[:, :1]) * ROUGH
        condition = self.flow.conditioned(before, batch.own_phones_RP[drawn], past, dtype)
        return self.flow.loss(condition, batch.own_mel_RF[drawn], FLOW_DRAWS).mean()


def _summed(losses: dict[str, torch.Tensor], weights: dict[str, float] = WEIGHTS) -> dict[str, torch.Tensor]:
    return losses | {"total": sum(weights[name] * loss for name, loss in losses.items())}


def _initialise(module: nn.Module) -> None:
    """Every layer that writes into the residual stream starts at zero, and every head."""
    silent = {
        Attention: ["o_proj"], GatedMLP: ["down_proj"], FlowHead: ["modulate", "leave", "phones", "past"], Pronouncing: ["each", "leave", "context"],
    }.get(type(module), [])  # fmt: skip
    for name in silent:
        nn.init.zeros_(getattr(module, name).weight)
    if isinstance(module, TokenHeads):
        for layer in module.project:
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(module.gates.weight)
        nn.init.constant_(module.gates.bias, -2.0)
