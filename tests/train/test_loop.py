"""Training: every part learns, a resumed run has the bits of an unbroken one, two processes agree with each other."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from duologue import cli
from duologue.config import tiny
from duologue.errors import DataError, TrainError
from duologue.model import checkpoint
from duologue.model.interaction import InteractionModel
from duologue.train import log
from duologue.train.loop import Plan, _check, share_of_rate
from duologue.train.optim import orthogonal, orthogonalise
from duologue.train.pretrain import pretrain
from tests.elsewhere import ELSEWHERE, Elsewhere
from tests.full_disk import files_up_to
from tests.train.made_shards import make_shard


@pytest.fixture
def folder(tmp_path):
    torch.set_num_threads(1)
    make_shard(tmp_path / "shards" / "a.safetensors")
    return tmp_path


def plan(folder: Path, name: str, steps: int) -> Plan:
    return Plan(out=folder / name, steps=steps, save_every=3, warmup=1, decay=0.01)


def test_a_disk_that_fills_up_between_two_files_leaves_a_pair(folder, monkeypatch):
    """The weights still fit, the state does not: both stay those of the step before, and the run goes on."""
    out = folder / "a"
    pretrain(folder / "shards", tiny(), plan(folder, "a", 2), rows=2)
    sizes = [(out / f"{name}.safetensors").stat().st_size for name in ("model", "state")]
    assert sizes[0] < sizes[1]
    monkeypatch.setattr(checkpoint, "save_file", files_up_to(sum(sizes) // 2)(checkpoint.save_file))
    with pytest.raises(DataError, match=r"state\.safetensors.*free some space"):
        pretrain(folder / "shards", tiny(), plan(folder, "a", 4), rows=2)
    monkeypatch.undo()
    assert not list(out.glob("*.part"))
    pretrain(folder / "shards", tiny(), plan(folder, "a", 4), rows=2)
    pretrain(folder / "shards", tiny(), plan(folder, "whole", 4), rows=2)
    assert all(torch.equal(w, weights(folder, "whole")[n]) for n, w in weights(folder, "a").items())


def opened_on_a_full_disk(name: str, path: Path, mode: str):
    return open("/dev/full" if name in path.name else path, mode)


def test_a_disk_that_is_full_from_the_beginning_is_said_in_one_line(folder, monkeypatch, capsys):
    """The log is what meets it first; no thread of its own prints a traceback."""
    pretrain(folder / "shards", tiny(), plan(folder, "a", 2), rows=2)
    before = {p.name: p.read_bytes() for p in (folder / "a").glob("*.safetensors")}
    monkeypatch.setattr(cli, "app", lambda **_: pretrain(folder / "shards", tiny(), plan(folder, "a", 4), rows=2))
    for name in ("events.out", "log.jsonl"):
        monkeypatch.setattr(log, "open", partial(opened_on_a_full_disk, name), raising=False)
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr().err
        assert stop.value.code == 2 and "Traceback" not in said and name in said and "No space left" in said
    assert {p.name: p.read_bytes() for p in (folder / "a").glob("*.safetensors")} == before
    monkeypatch.undo()
    pretrain(folder / "shards", tiny(), plan(folder, "a", 4), rows=2)


def test_tensorboard_reads_what_was_written_for_it(folder):
    pretrain(folder / "shards", tiny(), plan(folder, "a", 3), rows=2)
    read = EventAccumulator(str(folder / "a")).Reload()
    rows = [eval(line)["total"] for line in (folder / "a" / "log.jsonl").read_text().splitlines()]
    shown = [(scalar.step, scalar.value) for scalar in read.Scalars("loss/total")]
    assert [step for step, _ in shown] == [0, 1, 2] and [value for _, value in shown] == pytest.approx(rows, abs=1e-3)


def test_a_crash_between_two_files_loses_nothing(folder, monkeypatch):
    """The state has been put in place, the weights lie beside theirs: they are found."""
    put = os.replace

    def crash(part, path):
        if Path(path).name == "model.safetensors" and checkpoint.read_header(part)["about"]["step"] == 4:
            raise KeyboardInterrupt
        put(part, path)

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        pretrain(folder / "shards", tiny(), replace(plan(folder, "a", 4), save_every=2), rows=2)
    assert checkpoint.read_header(folder / "a" / "model.safetensors")["about"]["step"] == 2
    monkeypatch.undo()
    pretrain(folder / "shards", tiny(), plan(folder, "a", 4), rows=2)  # nothing is left to do but to find them
    pretrain(folder / "shards", tiny(), plan(folder, "whole", 4), rows=2)
    assert all(torch.equal(w, weights(folder, "whole")[n]) for n, w in weights(folder, "a").items())


def test_two_files_that_are_no_pair_are_refused(folder):
    pretrain(folder / "shards", tiny(), replace(plan(folder, "a", 2), save_every=1), rows=2)
    pretrain(folder / "shards", tiny(), plan(folder, "b", 3), rows=2)
    os.replace(folder / "b" / "model.safetensors", folder / "a" / "model.safetensors")
    with pytest.raises(TrainError, match="matching pair"):
        pretrain(folder / "shards", tiny(), plan(folder, "a", 4), rows=2)


def test_a_folder_that_another_version_left_is_said_to_be_one(folder):
    pretrain(folder / "shards", tiny(), plan(folder, "old", 1), rows=2)
    tensors, header = checkpoint.read(folder / "old/state.safetensors")
    header["groups"][1]["param_groups"][0]["params"].pop()  # a weight that this version has, and that one had not
    checkpoint.write_together({folder / "old/state.safetensors": (tensors, header)})
    with pytest.raises(TrainError, match=r"another version's optimisers; begin a new folder from it: --init .*model\.safetensors"):
        pretrain(folder / "shards", tiny(), plan(folder, "old", 2), rows=2)


def weights(folder: Path, name: str) -> dict:
    return checkpoint.read(folder / name / "model.safetensors")[0]


def test_half_of_the_steps_follow_what_the_model_would_have_said(folder, monkeypatch):
    drawn = []
    monkeypatch.setattr("duologue.train.pretrain.heard_itself", lambda model, batch, dtype: drawn.append(batch) or batch)
    pretrain(folder / "shards", tiny(), plan(folder, "a", 4), rows=1)
    assert len(drawn) == 4 and len({id(batch) for batch in drawn}) == 2, "once in one step, three times in another"


def test_every_part_receives_a_gradient_and_the_loss_falls(folder):
    whole = pretrain(folder / "shards", tiny(), plan(folder, "a", 12), rows=2)
    still = [n for n, p in whole.named_parameters() if torch.equal(p, dict(fresh().named_parameters())[n])]
    assert all(n.startswith(("fuse.stem", "trunk.eyes", "seeing", "knowing", "moving", "ctc")) for n in still), still  # no pictures in these shards; `ears` alone spells
    rows = [eval(line) for line in (folder / "a" / "log.jsonl").read_text().splitlines()]
    for part in ("flow", "spelling", "draft"):  # asked in every batch; words are not where the history is misheard, nor is the total like any other
        assert rows[-1][part] < rows[0][part] * 0.9


def test_ears_teach_the_front_and_nothing_else(folder):
    learned = dict(pretrain(folder / "shards", tiny(), plan(folder, "ears", 12), rows=2, part="ears").named_parameters())
    changed = {n for n, p in fresh().named_parameters() if not torch.equal(p, learned[n])}
    assert changed and all(n.startswith(("fuse.front", "fuse.kind", "fuse.missing", "ctc")) for n in changed), changed
    rows = [eval(line)["ctc"] for line in (folder / "ears" / "log.jsonl").read_text().splitlines()]
    assert rows[-1] < rows[0] * 0.9


def fresh():
    
    torch.manual_seed(0)
    return InteractionModel(tiny())


def test_a_resumed_run_has_the_bits_of_an_unbroken_one(folder):
    pretrain(folder / "shards", tiny(), plan(folder, "whole", 6), rows=2)
    broken = plan(folder, "broken", 6)
    pretrain(folder / "shards", tiny(), replace(broken, minutes=0), rows=2)  # stops after one step, with a checkpoint
    pretrain(folder / "shards", tiny(), broken, rows=2)
    one, two = weights(folder, "whole"), weights(folder, "broken")
    assert all(torch.equal(one[n], two[n]) for n in one)


def in_two_processes(script: str, folder: Path, port: int) -> None:
    (folder / "go.py").write_text(script)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)]
    done = subprocess.run([*command, folder / "go.py"], env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def test_two_processes_train_together(folder):
    make_shard(folder / "shards" / "b.safetensors", seed=1)
    script = (
        "import torch; torch.set_num_threads(1)\n"
        "from pathlib import Path; from duologue.config import tiny\n"
        "from duologue.train.loop import Plan; from duologue.train.pretrain import pretrain\n"
        f"f = Path({str(folder)!r})\n"
        "m = pretrain(f / 'shards', tiny(), Plan(out=f / 'two', steps=3, warmup=1), rows=2)\n"
        "import torch.distributed as d\n"
        "flat = torch.cat([p.detach().flatten() for p in m.parameters()]); other = flat.clone()\n"
        "d.broadcast(other, 0); assert torch.equal(flat, other); d.destroy_process_group()\n"
    )
    in_two_processes(script, folder, 29577)
    assert (folder / "two" / "model.safetensors").exists()


def test_processes_agree_on_which_weights_were_used(tmp_path):
    """One has pictures and the other none: the optimiser must go through the same weights in both, zero gradients included."""
    script = (
        "import torch, torch.distributed as d; from torch import nn; from duologue.train.loop import _average_gradients\n"
        "d.init_process_group('gloo'); rank = d.get_rank(); m = nn.ModuleList(nn.Linear(3, 3, bias=False) for _ in range(3))\n"
        "m[0].weight.grad = torch.full((3, 3), 2.0 * rank)\n"
        "m[1].weight.grad = None if rank else torch.zeros(3, 3)\n"
        "_average_gradients(m, 2)\n"
        "assert m[0].weight.grad.eq(1).all() and m[1].weight.grad.eq(0).all() and m[2].weight.grad is None\n"
        "d.destroy_process_group()\n"
    )
    in_two_processes(script, tmp_path, 29578)


def test_a_run_elsewhere_learns_what_one_on_the_cpu_does(folder):
    """The model, its batches and its optimisers on another device: nothing is mixed, and its folder is one like any other."""
    make_shard(folder / "shards" / "seen.safetensors", seed=1, shown=0.2)
    pretrain(folder / "shards", tiny(), plan(folder, "here", 4), rows=2)
    there = replace(plan(folder, "there", 4), device=ELSEWHERE)
    with Elsewhere():
        pretrain(folder / "shards", tiny(), replace(there, minutes=0), rows=2)  # stops after one step, with a checkpoint
        trained = pretrain(folder / "shards", tiny(), there, rows=2)
        assert {p.device for p in (*trained.parameters(), *trained.buffers())} == {ELSEWHERE}
    totals = [[eval(line)["total"] for line in (folder / name / "log.jsonl").read_text().splitlines()] for name in ("here", "there")]
    assert totals[1] == pytest.approx(totals[0], rel=0.01)
    pretrain(folder / "shards", tiny(), plan(folder, "there", 5), rows=2)  # and goes on here


def test_ears_and_experts_elsewhere(folder):
    there = replace(plan(folder, "there", 2), device=ELSEWHERE)
    with Elsewhere():
        pretrain(folder / "shards", tiny(), there, rows=2, part="ears")
        pretrain(folder / "shards", replace(tiny(), experts=4, balanced=True), replace(there, out=folder / "moe"), rows=2)


def test_matrices_orthogonalised_together_are_as_those_alone():
    torch.manual_seed(0)
    updates = [torch.randn(shape) for shape in ((4, 6), (6, 4), (4, 6), (2, 4, 6))]
    for one, alone in zip(orthogonal(updates), map(orthogonalise, updates), strict=True):
        rounding = 1e-4 if alone.dtype == torch.float32 else 0.02  # products of bf16 where the CPU has them
        torch.testing.assert_close(one, alone.to(one.dtype), rtol=rounding, atol=rounding)


def test_the_rate_rises_stays_and_falls():
    p = Plan(out=Path("."), steps=1000, warmup=100, decay=0.3)
    assert share_of_rate(p, 0) == 0.01 and share_of_rate(p, 500) == 1 and share_of_rate(p, 850) == 0.5
    assert share_of_rate(p, 500, spent=0.5) == 1 and share_of_rate(p, 500, spent=0.85) == pytest.approx(0.5)
    assert share_of_rate(p, 500, spent=1.0) == 0 and share_of_rate(p, 850, spent=0.1) == 0.5


def test_divergence_names_the_last_good_checkpoint():
    with pytest.raises(TrainError, match=r"nan at step 7.*model\.safetensors"):
        _check({"total": float("nan")}, 7, Path("run"))


def test_only_what_pictures_pass_through_learns_to_look(folder, tmp_path):
    make_shard(tmp_path / "shown" / "a.safetensors", shown=0.4)
    learned = dict(pretrain(tmp_path / "shown", tiny(), plan(folder, "eyes", 3), rows=2, part="eyes").named_parameters())
    changed = {n for n, p in learned.items() if not torch.equal(p, dict(fresh().named_parameters())[n])}
    assert {n.split(".")[0] for n in changed} == {"trunk", "moving"} and all(n.startswith(("trunk.eyes.", "moving.")) for n in changed)
