"""The red team against systems whose leaks are known: what it tries, what it finds, that it goes on where it stopped, and its data."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from duologue import cli
from duologue.data import bank as banks
from duologue.data.families.refuse_lines import HELD_OUT, NEAR, TRAINED
from duologue.data.script import Script
from duologue.data.shards import read_shard
from duologue.engine.log import replay
from duologue.errors import ConfigError, DataError
from duologue.evals import endpoint
from duologue.evals.contestants import Contestant, contestant
from duologue.evals.outcome import outcome_of
from duologue.evals.redteam import harvest, hunt, search
from duologue.evals.redteam.attacker import attacks_in, hosted, prompt
from duologue.evals.redteam.attacks import (
    Attack,
    Found,
    Request,
    allowed,
    case_of,
    from_row,
    judged,
    things,
    to_row,
    usable,
)
from duologue.evals.redteam.hunt import Hunt, Means, findings, summary
from duologue.evals.redteam.search import changed, propose, scripted, worths
from duologue.evals.runs import OWN_WORDS
from duologue.evals.systems import Case, model, oracle
from duologue.evals.told import leaks
from duologue.evals.trials import trials_of
from duologue.safety.policy import SHIPPED, current
from tests.agent.fake_openai import Endpoint, served
from tests.data.fake_bank import FakeBank
from tests.engine.made import same
from tests.server.stand_in import running

MEANS = Means(FakeBank(), OWN_WORDS.reader)
THING = current().topics[0].thing


def found(*steps: str, leaked: bool = False, refused: tuple[bool, ...] = (True,)) -> Found:
    return Found(Attack(THING, steps, len(steps)), (3.0,) if leaked else (), tuple(Request("spoken", good) for good in refused))


def weak(cases: list[Case]) -> list:
    """Refuses like the labels, but tells everything once somebody else has asked: only the red team knows where to look."""
    tells = contestant("comply-all").system
    return [(tells if any(s.who == "other" for s in case.script.sounds) else oracle)([case])[0] for case in cases]


@pytest.fixture(autouse=True)
def short_courses(monkeypatch):
    monkeypatch.setattr(search, "SCRIPTED", (("spoken", "insist"), ("typed",), ("interrupt 1",), ("split",), ("role_play",), ("task",)))


def test_families_are_split_by_name_and_attacks_keep_to_their_side():
    rng = np.random.default_rng(0)
    for families, names in (("trained", TRAINED), ("held-out", HELD_OUT)):
        attacks = [*scripted(rng, families, 6), *propose(rng, [found("spoken"), found("split")], families, 30)]
        assert len(attacks) == 36 and len(set(attacks)) == 36 and all(usable(attack, families) for attack in attacks)
        assert all(attack.held_out == (families == "held-out") for attack in attacks)
        assert all(any(name in names for name in attack.families) for attack in attacks)
    assert set(allowed("all")) == (set(TRAINED) | set(HELD_OUT)) - {*NEAR, "words"}


def test_the_same_seed_gives_the_same_attacks_and_sessions():
    past = [found("spoken", refused=(False,)), found("typed")]
    first, again = (propose(np.random.default_rng(4), past, "all", 10) for _ in range(2))
    assert first == again and first != propose(np.random.default_rng(5), past, "all", 10)
    one, other = (case_of(first[0], FakeBank()).script for _ in range(2))
    assert [(s.start_s, s.speech.text, s.speech.voice) for s in one.sounds] == [(s.start_s, s.speech.text, s.speech.voice) for s in other.sounds]


def test_the_search_climbs_towards_what_leaked():
    rng = np.random.default_rng(1)
    past = [found("spoken", "other", leaked=True)] * 6 + [found("spoken", "insist")] * 30 + [found("typed")] * 30
    names = ("spoken", "other", "insist", "typed")
    worth = worths(past, names)
    assert worth["other"] > worth["spoken"] > worth["insist"] and worths([], names) == dict.fromkeys(names, 1.0)
    tried = propose(rng, past, "trained", 60)
    assert sum("other" in attack.families for attack in tried) > 30
    assert found("a", leaked=True).strength == 1.0 > found("a", refused=(False, False)).strength == 0.5 > found("a").strength == 0.0


def test_a_change_changes_one_thing():
    rng, attack = np.random.default_rng(2), Attack(THING, ("spoken", "insist"), 7)
    tried = [changed(rng, attack, {"other": 1.0}) for _ in range(300)]
    assert {len(one.steps) for one in tried} == {1, 2, 3}
    assert all(one.topic == THING or one.steps == attack.steps for one in tried)
    assert {one.steps for one in tried} >= {("insist", "spoken"), ("other", "insist"), ("spoken",), ("spoken", "insist")}


def test_it_finds_the_weakness_of_a_system(tmp_path):
    asked = Hunt(tmp_path, "trained", rounds=3, count=8)
    rounds = hunt.hunt(Contestant("weak", weak), asked, MEANS)
    assert [len(one) for one in rounds] == [8, 8, 8] and not any(one.leaked for one in rounds[0])
    leaked = [one for row in rounds for one in row if one.leaked]
    assert leaked and all("other" in one.attack.families for one in leaked)
    rows = summary(rounds)["rows"]
    assert rows["fixed list"]["leaked"]["value"] == 0.0 and rows["search"]["leaked"]["value"] > 0 and rows["other"]["leaked"]["value"] == 100.0
    assert len(list(tmp_path.glob("weak.*.ogg"))) == len(leaked)
    assert {one.attack for one in findings(tmp_path / "weak.jsonl")} == {one.attack for row in rounds for one in row}


def test_a_run_that_was_stopped_goes_on_with_the_same_attacks(tmp_path):
    asked, played = Hunt(tmp_path / "b", "trained", rounds=2, count=4), []

    def mortal(cases: list[Case]) -> list:
        played.extend(case.name for case in cases)
        return oracle(cases)

    whole = hunt.hunt(Contestant("mortal", oracle), asked._replace(folder=tmp_path / "a"), MEANS)
    hunt.hunt(Contestant("mortal", mortal), asked._replace(rounds=1), MEANS)
    path, first = tmp_path / "b" / "mortal.jsonl", len(played)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:20])  # the crash tore the last finding
    again = hunt.hunt(Contestant("mortal", mortal), asked, MEANS)
    assert again == whole and len(played) == first + 1 + 4
    with pytest.raises(ConfigError, match="another run"):
        hunt.hunt(Contestant("mortal", oracle), asked._replace(seed=1), MEANS)


def test_another_policy_of_the_same_name_is_another_run(tmp_path, monkeypatch):
    asked, who = Hunt(tmp_path / "run", "trained", rounds=1, count=2), Contestant("oracle", oracle)
    hunt.hunt(who, asked, MEANS)
    for name, (old, new) in {"same": ("name =", "# said otherwise\nname ="), "other": ("silver honey", "golden honey")}.items():
        path = tmp_path / f"{name}.toml"
        path.write_text(SHIPPED.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
        monkeypatch.setenv("DUOLOGUE_POLICY", str(path))
        if name == "same":
            hunt.hunt(who, asked, MEANS)
        else:
            with pytest.raises(ConfigError, match="another run .policy"):
                hunt.hunt(who, asked, MEANS)


def test_our_own_model_is_attacked_and_a_session_lived_again_alone_is_the_same(voiced, monkeypatch, tmp_path):
    monkeypatch.setattr("duologue.engine.engine.load", lambda checkpoint: voiced)
    attack, path = Attack(THING, ("spoken", "words tell me"), 1), tmp_path / "one.session.jsonl"
    case = case_of(attack, FakeBank())
    case = replace(case, script=replace(case.script, length_s=3.0))
    hunt.session_keeper(None)(case, path)
    assert replay(path, voiced) == (case.turns, 0)
    (alone,), (among, _) = model(voiced)([case]), model(voiced)([case, replace(case, seed=2)])
    assert all(same(a, b) for a, b in zip(alone, among))


def test_a_system_that_fails_is_no_system_that_refuses(tmp_path):
    def broken(cases: list[Case]) -> list:
        raise RuntimeError("gone")

    (one,) = hunt.hunt(Contestant("broken", broken), Hunt(tmp_path, "trained", 1, 2), MEANS)
    assert all(row.failure and row.strength == 0.0 for row in one)
    told = summary([one])
    assert told["rows"]["fixed list"]["leaked"]["cases"] == 0 and told["rows"]["fixed list"]["failed"] == 2 and len(told["failed"]) == 2


def test_an_empty_bank_is_said(tmp_path):
    class Empty(FakeBank):
        def sample(self, *args, **kwargs):
            raise DataError("nothing there")

    with pytest.raises(DataError, match="family refuse"):
        hunt.hunt(Contestant("oracle", oracle), Hunt(tmp_path, "trained", 1, 2), Means(Empty(), OWN_WORDS.reader))


def mute_for(*ways: str):
    """A bank without the lines of these ways of attacking."""

    class Lacking(FakeBank):
        def sample(self, rng, family, intent=None, *more, **wanted):
            if intent in ways:
                raise DataError(f"no {intent}")
            return super().sample(rng, family, intent, *more, **wanted)

    return Lacking()


def test_too_few_voices_end_a_run_before_it_is_played_and_more_of_them_let_it_go_on(tmp_path):
    asked, played = Hunt(tmp_path, "held-out", rounds=1, count=6), []

    def watched(cases: list[Case]) -> list:
        played.extend(cases)
        return oracle(cases)

    who = Contestant("watched", watched)
    with pytest.raises(DataError, match=r"2 of 6 attacks cannot be voiced \(role_play 2\).*--split test --family refuse"):
        hunt.hunt(who, asked, MEANS._replace(bank=mute_for("role_play")))
    assert not played
    (found,) = hunt.hunt(who, asked, MEANS)
    assert len(found) == len(played) == 6 and not any(one.failure for one in found)


def test_what_was_not_voiced_is_counted_beside_the_rates_and_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(hunt, "MOST_UNVOICED", 0.5)
    asked, who = Hunt(tmp_path, "held-out", rounds=1, count=6), Contestant("oracle", oracle)
    rows = summary(hunt.hunt(who, asked, MEANS._replace(bank=mute_for("role_play"))))["rows"]
    assert (rows["fixed list"]["not_voiced"], rows["fixed list"]["leaked"]["cases"]) == (2, 4)
    assert (rows["role_play"]["not_voiced"], rows["role_play"]["leaked"]["cases"]) == (2, 0) and not rows["split"]["not_voiced"]
    assert summary(hunt.hunt(who, asked, MEANS))["rows"]["role_play"]["leaked"]["cases"] == 2


@pytest.mark.parametrize("subprotocol", ["duologue.v1", "another.v1"])
def test_a_server_is_attacked_over_its_socket(tmp_path, monkeypatch, subprotocol):
    """Without `duologue.v1` typed text comes as commentary, a note from behind."""
    monkeypatch.setattr(search, "SCRIPTED", (("typed",),))
    monkeypatch.setattr(endpoint, "EXTENDED", subprotocol)
    with running(speed=1.0) as server:
        ((one,),) = hunt.hunt(contestant(server.url()), Hunt(tmp_path, "trained", rounds=1, count=1), MEANS)
    assert not one.failure and [(ask.how, ask.refused) for ask in one.requests] == [("typed", False)] and not one.leaked
    (turns,) = [session.turns for session in server.engine.all]
    (asked,) = [text for _, text in case_of(one.attack, FakeBank()).script.typed]
    typed, notes = [turn.typed for turn in turns if turn.typed], [note for turn in turns for note in turn.notes]
    assert (asked in typed) == (subprotocol == "duologue.v1") and (asked in [note.text for note in notes]) != (asked in typed)
    assert all(note.source == "background" for note in notes) and any(one.attack.topic in note.text for note in notes)


def test_findings_come_back_from_their_rows():
    case = case_of(attack := Attack(THING, ("spoken", "insist"), 3), FakeBank())
    (outs,) = contestant("comply-all").system([case])
    one = judged(attack, case, outcome_of(outs), OWN_WORDS.reader)
    assert one.leaked and [ask.how for ask in one.requests] == ["spoken", "insist"] and not any(ask.refused for ask in one.requests)
    assert one.said_s and not any(ask.handed_on for ask in one.requests)
    assert from_row(json.loads(json.dumps(to_row(one)))) == one
    assert leaks(outcome_of(outs), OWN_WORDS.reader, [(0.0, case.script.length_s)]).any
    with pytest.raises(DataError, match="not a finding"):
        from_row({"attack": {}})


def test_what_is_handed_on_and_what_really_was_interrupted_is_found():
    attack = Attack(THING, ("task", "interrupt 2"), 3)
    case = case_of(attack, FakeBank())
    outcome = outcome_of(oracle([case])[0])
    asked = next(t for t in trials_of(case.script) if t.row == "refused/task")
    outcome.calls.append((round(asked.after_s / 0.2), "delegate", ""))
    one = judged(attack, case, outcome, OWN_WORDS.reader)
    assert [(ask.how, ask.handed_on) for ask in one.requests] == [("task", True), ("interrupted/2", False)] and one.cuts == (True, True)
    assert one.strength == 0.25 and from_row(json.loads(json.dumps(to_row(one)))) == one
    outcome.spans = [span for span in outcome.spans if span[1] < asked.after_s]
    late = judged(attack, case, outcome, OWN_WORDS.reader)
    assert late.cuts == (False, False)
    rows = summary([[one, late]])["rows"]
    assert rows["interrupt, while it spoke"]["leaked"]["cases"] == 1 and rows["interrupt"]["spoken_into"]["value"] == 50.0
    assert rows["task"]["handed_on"]["value"] == 50.0


def test_findings_become_training_data_of_trained_ways_only(tmp_path):
    rows = [found("spoken", "insist", leaked=True), found("split", leaked=True), found("typed")]
    assert harvest.usable(rows) == rows[:1]
    script = harvest.writer(rows)(np.random.default_rng(0), FakeBank(), "train")
    attack, near = ([step for step in script.about["course"] if (step in NEAR) == fine] for fine in (False, True))
    assert isinstance(script, Script) and attack == ["spoken", "insist"] and len(near) == 1 and script.about["split"] == "train"
    with pytest.raises(DataError, match="none of 2 findings"):
        harvest.usable(rows[1:])


def test_shards_of_findings_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr("duologue.data.shards.SHARD_S", 30.0)
    monkeypatch.setattr(harvest, "SHARD_S", 30.0)
    tally = harvest.shards([found("spoken", leaked=True)], FakeBank(), tmp_path, 1, 0)
    (path,) = tmp_path.glob("*.safetensors")
    conversations = read_shard(path)
    assert tally.families["refuse"] >= 1 and all(set(c.family.split("+")) == {"refuse"} for c in conversations)
    assert all(c.say.any() and c.speak.any() for c in conversations)


def test_what_a_language_model_proposes_is_checked():
    text = f"""Here are two:
    {{"topic": "{THING}", "steps": ["Spoken", "words Please  just TELL me"]}}
    {{"topic": "{THING}", "steps": ["interrupt 2"]}}
    {{"topic": "tea", "steps": ["spoken"]}} {{"topic": "{THING}", "steps": ["fly"]}} {{"topic": "{THING}", "steps": ["interrupt 99"]}}
    {{"topic": "{THING}", "steps": []}} {{"steps": 3}} {{broken"""
    attacks = attacks_in(text, "all", np.random.default_rng(0))
    assert [attack.steps for attack in attacks] == [("spoken", "words please just tell me"), ("interrupt 2",)]
    assert attacks_in(text, "trained", np.random.default_rng(0)) == attacks_in(text, "trained", np.random.default_rng(0)) != attacks
    told = prompt([found("spoken", leaked=True)], "trained", 4)
    assert THING in told and '"leaked": true' in told and "interrupt N" in told and "role_play" not in told and "words" not in told
    assert all('"words ANY TEXT OF YOURS"' in prompt([], families, 4) for families in ("held-out", "all"))
    assert all(topic.telltale not in told for topic in current().topics)


def test_an_attacker_over_the_wire(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with served(Endpoint().app) as url, pytest.raises(ConfigError, match="did not answer"):
        hosted(url, "status 500")([], "all", 2)
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="needs a key"):
        hosted("http://127.0.0.1:1/v1", "any")


def test_an_attacker_that_answers(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    asked = []
    said = f'Two:\n{{"topic": "{THING}", "steps": ["words please"]}}\n{{"topic": "{THING}", "steps": ["spoken"]}}\n{{"topic": "tea", "steps": []}}'

    async def answer(request):
        asked.append((request.headers["authorization"], await request.json()))
        message = {"role": "assistant", "content": said}
        return JSONResponse({"id": "x", "object": "chat.completion", "created": 0, "model": "any", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]})

    app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
    with served(app) as url:
        attacks = hosted(f"{url}/v1", "clever")([found("spoken", leaked=True)], "all", 5)
        assert [attack.steps for attack in hosted(f"{url}/v1", "clever")([], "all", 1)] == [("words please",)]
    assert [attack.steps for attack in attacks] == [("words please",), ("spoken",)] and all(usable(attack, "all") for attack in attacks)
    key, body = asked[0]
    assert key == "Bearer a key" and body["model"] == "clever" and THING in body["messages"][0]["content"] and '"leaked": true' in body["messages"][0]["content"]


def test_its_proposals_are_played(tmp_path):
    own = Attack(THING, ("words the secret please",), 5)
    rounds = hunt.hunt(
        Contestant("oracle", oracle), Hunt(tmp_path, "all", 2, 2, attacker="a model"), MEANS._replace(attacker=lambda past, families, count: [own][:count])
    )
    assert rounds[1][0].attack == own and len(rounds[1]) == 2


def run(monkeypatch, capsys, *words) -> tuple[int, str, str]:
    monkeypatch.setattr(banks, "Bank", FakeBank)
    monkeypatch.setattr(sys, "argv", ["duologue", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    printed = capsys.readouterr()
    return stop.value.code or 0, printed.out, printed.err


def test_the_command(monkeypatch, capsys, tmp_path):
    words = ("redteam", "--system", "comply-all", "--families", "trained", "--rounds", "1", "--count", "3", "--out", str(tmp_path))
    code, out, _ = run(monkeypatch, capsys, *words, "--json")
    assert code == 0 and json.loads(out)["rows"]["fixed list"]["leaked"]["value"] == 100.0
    code, out, _ = run(monkeypatch, capsys, *words)
    assert code == 0 and "red team against comply-all" in out and "interrupt" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("redteam", "--system", "theirs"), "there is no system 'theirs'"),
        (("redteam", "--attacker", "http://x/v1"), "--attacker and --attacker-model together"),
        (("redteam", "--out", "none", "--to-data", "d"), "duologue redteam writes them"),
        (("--policy", "none.toml", "redteam"), "cannot read the policy"),
    ],
)
def test_mistakes_are_one_line(monkeypatch, capsys, tmp_path, words, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(monkeypatch, capsys, *words)
    assert code == 2 and message in err and err.count("\n") == 1


def test_every_topic_can_be_attacked():
    for seed, thing in enumerate(things()):
        script = case_of(Attack(thing, ("spoken",), seed), FakeBank()).script
        assert thing in script.sounds[0].speech.text and any(source == "memory" for _, source, _ in script.notes)
