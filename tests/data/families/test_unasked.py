"""Families that look, and that speak up unasked: worked out here from words, pictures and times."""

import gzip
import re
from importlib import import_module
from itertools import islice

import numpy as np
import pytest
from PIL import Image, ImageDraw

from duologue.data import freedict
from duologue.data.families import correct_me, count, cue, pronounce, see, sight, spanish, translate, watch
from duologue.data.families.lexicon import DAYS, MONTHS, NUMBERS, WORDS
from duologue.data.scenes import stage as stages
from duologue.data.scenes import stock
from duologue.data.scenes.camera import Camera
from duologue.data.script import Line, Own, Script, reply_at
from tests.data.fake_bank import FakeBank
from tests.data.families.timing_checks import assert_sound, lines_of, own_spans, scripts

FAMILIES = [see, watch, count, correct_me, cue, pronounce, translate]
SEEN = [see, watch, count]
each = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.NAME)
both = pytest.mark.parametrize("split", ["train", "test"])


def cases(name: str, number: int = 120) -> list[tuple[Script, str]]:
    return [(script, split) for split in ("train", "test") for script in scripts(name, split)[:number]]


def own_at(script: Script, from_s: float, within_s: float) -> list[Own]:
    """What the model begins to say in a stretch."""
    return [own for own in script.own if from_s <= own.start_s < from_s + within_s]


@both
@each
def test_labels_and_sounds_agree(family, split):
    texts = {*family.own_texts(), *WORDS}
    for script in scripts(family.NAME, split):
        assert_sound(script)
        assert 8 <= script.length_s <= 60 and script.about["items"] and script.about["split"] == split
        assert {s.speech.voice for s in script.sounds} <= {script.about["voice"]}
    if family not in (watch, cue):  # these answer small questions of other families too, or are asked for any word
        assert {own.speech.text for script in scripts(family.NAME, split) for own in script.own} <= texts


@pytest.mark.parametrize(("name", "least", "most"), [("count", 0.5, 0.8), ("watch", 0.5, 0.8), ("cue", 0.0, 0.02)])
def test_a_reaction_is_late_now_and_then_in_training_alone_and_never_too_late(name, least, most):
    at_once = {}
    for split in ("train", "test"):
        wanted = [(script, check) for script in scripts(name, split) for check in script.checks if check.kind == "answer" and check.after_s == check.start_s]
        starts_s = [next(own.start_s for own in script.own if own.start_s >= check.start_s and own.speech.text in check.accept) for script, check in wanted]
        assert all(start_s < check.end_s for start_s, (_, check) in zip(starts_s, wanted, strict=True))
        at_once[split] = np.mean([start_s < reply_at(check.start_s) + 0.1 for start_s, (_, check) in zip(starts_s, wanted, strict=True)])
    assert least <= at_once["train"] <= most and at_once["test"] > 0.9


@each
def test_one_seed_gives_one_script(family):
    first, again = (family.script(np.random.default_rng(5), FakeBank(), "train") for _ in range(2))
    assert (first.checks, first.about, first.typed) == (again.checks, again.about, again.typed)


@each
def test_a_given_voice_is_used(family):
    for seed in range(5):
        script = family.script(np.random.default_rng(seed), FakeBank(), "train", voice="fake/train_bo")
        assert {s.speech.voice for s in script.sounds} <= {"fake/train_bo"}


@each
def test_training_never_sees_what_tests_say(family):
    train, test = (lines_of(family.NAME, split) for split in ("train", "test"))
    held = [line for line in test if line.held_out]
    assert not any(line.held_out for line in train) and len(held) > 0.8 * len(test)
    assert not {line.text for line in train} & {line.text for line in held}


@each
def test_lines_are_words_and_own_texts_are_few(family):
    lines = lines_of(family.NAME, "train") + lines_of(family.NAME, "test")
    assert all(re.fullmatch(r"[a-záéíóúñü']+(,? [a-záéíóúñü']+)*", line.text) for line in lines)
    texts = list(family.own_texts())
    assert len(texts) == len(set(texts)) <= 700


@each
def test_rules_are_given_aloud_and_typed_and_in_many_ways(family):
    found = [script for script, _ in cases(family.NAME)]
    typed = sum(bool(script.typed) for script in found)
    assert 0.1 * len(found) < typed < 0.6 * len(found)
    said = {line.text for line in lines_of(family.NAME, "train")}
    assert len(said) > 60


@pytest.mark.parametrize("family", SEEN, ids=lambda family: family.NAME)
def test_every_reaction_comes_after_what_it_is_about_has_been_seen(family):
    for script, _ in cases(family.NAME):
        (view,) = script.views
        assert (view.start_s, view.end_s) == (0.0, script.length_s)
        for event_s in view.events_s:
            early = own_at(script, event_s, 1.6)
            assert early and early[0].start_s >= event_s + 0.2 - 1e-9, (event_s, script.about)


def test_everything_is_shown_before_during_and_after_its_question():
    seen = {(item["class"], item["when"]) for script, _ in cases("see") for item in script.about["items"]}
    assert {when for _, when in seen} == {"now", "gone", "later"}
    assert {kind for kind, _ in seen} == {*see.PATTERNS, *see.PAST}
    whens = [item["when"] for script, _ in cases("see") for item in script.about["items"]]
    assert all(0.28 < whens.count(when) / len(whens) < 0.39 for when in see.WHEN)
    for script, _ in cases("see"):
        for item in script.about["items"]:
            own = next(o for o in script.own if o.speech.text == item["answer"] and o.start_s > item["shown_s"])
            assert item["when"] != "later" or 0.2 <= own.start_s - item["shown_s"] < 3


def test_a_typed_question_is_answered_in_text_too_and_a_spoken_one_is_not():
    typed = 0
    for script, _ in cases("see"):
        assert len(script.written) == len(script.typed)
        assert {text for _, text in script.written} <= {own.speech.text for own in script.own}
        typed += len(script.typed)
    assert typed > 50


def test_tests_show_what_training_does_not():
    rng, shown = np.random.default_rng(0), {}
    for split in ("train", "test"):
        for kind in ("shape", "emoji", "digit", "word"):
            drawn = [sight.draw_thing(rng, split, kind) for _ in range(300)]
            shown[split, kind] = {(t.name, t.colour if kind == "shape" else "", t.style if kind == "emoji" else "") for t in drawn if sight.unseen(t)}
            assert (len(shown[split, kind]) == 0) == (split == "train")


def test_emoji_of_the_other_styles_are_of_training_alone():
    rng = np.random.default_rng(0)
    drawn = {split: {sight.draw_thing(rng, split, "emoji").style for _ in range(300)} for split in ("train", "test")}
    assert drawn == {"train": {*stock.STYLES, *stock.TRAINING_STYLES}, "test": set(stock.STYLES)}


def test_how_things_are_called():
    assert sight.called(stages.Thing("shape", "ball", "orange")) == "an orange ball"
    assert sight.called(stages.Thing("emoji", "apple", "", 1)) == "an apple"
    assert sight.called(stages.Thing("text", "12", "red")) == "the number twelve"


def test_repetitions_are_counted_aloud_in_order_and_soon():
    for script, _ in cases("count"):
        (item,) = script.about["items"]
        ends = item["ends_s"]
        if not ends:
            continue
        numbers = [o for o in script.own if o.speech.text in NUMBERS and o.start_s >= ends[0] - 0.01][: len(ends)]
        assert [o.speech.text for o in numbers] == list(NUMBERS[1 : len(ends) + 1])
        late = np.array([o.start_s for o in numbers]) - ends
        assert late.min() >= 0.19 and late.max() < 1.01, (late, item)
        assert np.diff(ends).min(initial=9) >= count.SHORTEST_S - 0.011


def test_now_and_then_there_is_nothing_to_count_and_nothing_is_said():
    none = [script for script, _ in cases("count") if not script.about["items"][0]["ends_s"]]
    assert 0.03 < len(none) / len(cases("count")) < 0.15
    for script in none:
        said = {o.speech.text for o in script.own} - {"okay", "zero", "that was zero"}
        assert not said and not script.views[0].events_s and any(c.kind == "quiet" and c.end_s - c.start_s > 4 for c in script.checks)


def test_paces_of_tests_are_not_those_of_training():
    for (low, high), (other_low, other_high) in [(a, b) for a in count.PERIODS_S["train"] for b in count.PERIODS_S["test"]]:
        assert high <= other_low or other_high <= low


def test_what_never_happens_is_never_said():
    quiet = loud = 0
    for script, _ in cases("watch"):
        (item,) = script.about["items"]
        rule = next(line for line in lines_of("watch", "train") + lines_of("watch", "test") if line.intent == item["class"])
        replies = [o for o in script.own if o.start_s > (item["happens_s"] or [0])[0]]
        if not item["happens_s"]:
            quiet += 1
            assert len(script.own) <= 2 and not script.views[0].events_s  # "okay" and a small question's answer at most
        else:
            loud += 1
            wanted = {"every": len(item["happens_s"]), "span": 2}.get(rule.intent, 1)
            assert len(script.views[0].events_s) == wanted <= len(replies)
    assert 10 < quiet < loud


@pytest.fixture
def drawn(monkeypatch):
    """Emoji and photographs that need no package: a disc with a mark for its name, and grey."""

    def emoji(style: str, code: str) -> Image.Image:
        image = Image.new("RGBA", (96, 96))
        ImageDraw.Draw(image).ellipse((2, 2, 94, 94), (int(code, 16) % 256, len(style) * 20, 90, 255))
        return image

    monkeypatch.setattr(stock, "emoji", emoji)
    monkeypatch.setattr(stock, "photographs", lambda: {"a.jpg": np.full((240, 320, 3), 90, np.uint8)})


def test_at_the_moment_the_picture_changes_where_the_rule_says(drawn, monkeypatch):
    """Seen through a perfect camera, just before and just after, of things that come, go and change colour."""
    monkeypatch.setattr(stages, "draw_camera", lambda rng, screen=False: (rng.random(), Camera())[1])
    seen = 0
    for seed in range(25):
        script = watch.script(np.random.default_rng(seed), FakeBank(), "train")
        (item,), (view,) = script.about["items"], script.views
        if item["class"] in ("appears", "every", "tell", "gone", "becomes"):
            for happens_s in item["happens_s"]:
                before, after = (view.show(happens_s + d).astype(int) for d in (-0.02, 0.2))
                assert (np.abs(before - after).max(-1) > 25).sum() > 100, item
                seen += 1
    assert seen > 8


def is_wrong(kind: str, words: list[str], at: int) -> str | None:
    """The right item in place of a word, by sense: None when it is right already."""
    if kind == "sum":
        a, _, b, _, result = words[at // 5 * 5 : at // 5 * 5 + 5]
        right = NUMBERS[NUMBERS.index(a) + NUMBERS.index(b)]
        return None if right == result else right
    rows = (NUMBERS[:21], NUMBERS[20::-1], NUMBERS[0:21:2], NUMBERS[1:21:2], NUMBERS[20::-2], NUMBERS[19::-2], DAYS * 2, MONTHS * 2, correct_me.ALPHABET)
    row = next(r for r in rows if " ".join(words[:at]) in " ".join(r) and all(w in r for w in words[:at]))
    right = row[row.index(words[at - 1]) + 1]
    return None if right == words[at] else right


def test_the_correction_is_right_and_comes_while_the_user_goes_on():
    cut_in = kept_quiet = 0
    for script, _ in cases("correct_me"):
        for item in script.about["items"]:
            heard = own_at(script, item["wrong_s"], 1.5) if item["wrong_s"] else []
            if not item["ruled"]:
                assert not script.own
            if item["ruled"] and item["right"]:
                assert heard[0].speech.text == item["right"] and heard[0].start_s >= item["wrong_s"] + 0.2 - 1e-6
                if item["way"] == "aloud":
                    speech = next(s for s in script.sounds if s.start_s <= item["wrong_s"] <= s.start_s + s.speech.seconds)
                    assert speech.speech.text == item["said"]
                    assert sum(speech.start_s + w.start_s >= item["wrong_s"] - 0.01 for w in speech.speech.words) >= 4
                    cut_in += heard[0].start_s < speech.start_s + speech.speech.seconds
            kept_quiet += not item["right"]
    assert cut_in > 40 and kept_quiet > 10


def test_a_count_is_wrong_only_where_its_step_is_known():
    said = [line for split in ("train", "test") for line in lines_of("correct_me", split) if line.intent == "count_said"]
    assert {line.slots["at"] for line in said} >= {-1, 2, 3} and not any(line.slots["at"] in (0, 1) for line in said)


def test_mistakes_are_mistakes():
    wrong = 0
    for line in lines_of("correct_me", "train"):
        if line.intent.endswith("_said"):
            kind, at, right = line.slots["kind"], line.slots["at"], line.slots["right"]
            words = list(line.slots["words"])
            if at > (1 if kind != "sum" else -1):
                assert is_wrong(kind, words, at) == right, line
                wrong += 1
    assert wrong > 300


def test_a_cue_is_answered_by_what_its_rule_says_and_nothing_else_is():
    hits = 0
    for script, _ in cases("cue"):
        (item,) = script.about["items"]
        stories = [s for s in script.sounds if s.speech.line.intent == "story"]
        if not item["ruled"]:
            assert not script.own
            continue
        reactions = [o for o in script.own if o.start_s > stories[0].start_s]
        words = [(s.start_s + w.end_s, w.text) for s in stories for w in s.speech.words]
        assert len(reactions) == item["cues"]
        if item["class"] == "word":
            cue_word = next(word for word in item["rule"].split() if word in cue.THINGS)
            cued = [t for t, word in words if word == cue_word]
            assert len(cued) == len(reactions)
            assert all(f" {o.speech.text} " in f" {item['rule']} " and o.start_s >= t + 0.2 - 1e-6 for o, t in zip(reactions, cued))
            hits += len(cued)
    assert hits > 30


def test_members_of_an_open_kind_in_tests_are_never_trained():
    for kind, members in (("switch", cue.SWITCHED), ("danger", cue.DANGERS)):
        said = {split: {w for x in lines_of("cue", split) if x.slots.get("kind") == kind for w in x.text.split()} & set(members) for split in ("train", "test")}
        kept = {word for word in members if cue.held_out(kind, word, share=cue.PAIR_SHARE)}
        assert len(kept & said["test"]) > 3 and said["train"] and not kept & said["train"]
    rule = Line("cue", "switch", "")
    assert cue.answer_to(rule, "perro", 0) == "dog" and not cue.answer_to(rule, "dog", 0)
    assert cue.answer_to(Line("cue", "danger", ""), "fire", 0) == "stop"


def test_a_word_that_sounds_nearly_like_the_cue_is_let_pass():
    near = 0
    for script, _ in cases("cue"):
        (item,) = script.about["items"]
        for at_s in item["near_s"]:
            cue_word = next(word for word in item["rule"].split() if word in cue.THINGS)
            said = {w.text for s in script.sounds for w in s.speech.words if s.start_s + w.end_s == at_s}
            assert said == {cue.NEAR[cue_word]}
            near += any(check.kind == "quiet" and check.start_s == at_s for check in script.checks)
    assert near > 5 and not set(cue.NEAR.values()) & set(cue.THINGS)


def test_pairs_of_cue_and_reply_in_tests_are_never_trained():
    pairs = {
        split: {(x.slots["cue"], x.slots["reply"]) for x in lines_of("cue", split) if x.intent == "word" and (split == "train" or x.held_out)}
        for split in ("train", "test")
    }
    new = {p for p in pairs["test"] if cue.held_out("cue", *p, share=cue.PAIR_SHARE)}
    assert len(new) > 30 and not new & pairs["train"]


ENGLISH = {n.es: n.en for n in spanish.NOUNS} | dict(spanish.ADJECTIVES + spanish.VERBS + spanish.NUMBERS + spanish.OTHERS)
ENGLISH |= {spanish.adjective(es, True): en for es, en in spanish.ADJECTIVES}
ENGLISH |= dict(freedict.words())
ENGLISH |= {"el": "the", "la": "the", "un": "a", "este": "this", "esta": "this", "mi": "my"}
QUALITIES = {en for _, en in spanish.ADJECTIVES}


def test_english_has_every_word_once_and_adjectives_first():
    for line in lines_of("translate", "train"):
        if line.intent == "rule":
            continue
        english = [part[0] for part in line.slots["parts"]]
        words = [("a" if w == "una" else ENGLISH[w]) for w in re.findall(r"\w+", line.text)]
        assert sorted(english) == sorted(words), line
        if line.intent == "pairs":
            assert all(a in QUALITIES and b not in QUALITIES for a, b in zip(english[::2], english[1::2])), line


def test_training_has_the_words_of_a_dictionary_where_there_is_one_and_tests_have_not(tmp_path, monkeypatch):
    text = "info\nrana /ɾˈana/\nfrog\nola /ˈola/\nwave, billow\nperro /pˈero/\ndog\nsur /sˈuɾ/\nsouth\nbanco /bˈanko/\nbench\nbanco /bˈanko/\nbank\nvoz /bˈoθ/\n1. voice\n2. vote\nluna /l/\nqzx\nuva /ˈuβa/\ngrape\n"
    (tmp_path / freedict.NAME).write_bytes(gzip.compress(text.encode()))
    assert freedict.words(tmp_path) == (("rana", "frog"), ("sur", "south"), ("uva", "grape"))  # one meaning, and not of the list
    assert freedict.words(tmp_path / "absent") == () and {en for _, en in freedict.words()} <= set(WORDS)
    found = freedict.words(tmp_path)
    monkeypatch.setattr(freedict, "words", lambda: found)
    said = {split: " ".join(line.text for line in islice(translate.lines(np.random.default_rng(3), split), 300)) for split in ("train", "test")}
    assert "rana" in said["train"] and "rana" not in said["test"]


def test_english_follows_what_decides_it_and_is_not_far_behind():
    lags = []
    for script, _ in cases("translate"):
        said = iter(sorted((o for o in script.own if o.speech.text != "okay"), key=lambda o: o.start_s))
        for sound in sorted((s for s in script.sounds if s.speech.line.intent != "rule"), key=lambda s: s.start_s):
            for part in (translate.Part(*x) for x in sound.speech.line.slots["parts"]):
                own = next(said)
                assert own.speech.text == part.english
                lags.append(own.start_s - sound.start_s - sound.speech.words[part.needs].end_s)
        assert next(said, None) is None
    assert min(lags) >= 0.2 - 1e-6
    assert np.mean(lags) < 1.5 and np.quantile(lags, 0.95) < 3.5


def test_a_noun_alone_waits_to_know_that_no_adjective_follows():
    part = translate.Part("dog", 1, True)
    speech = FakeBank().own("el perro come pan")
    assert translate.heard_by(speech, part) == pytest.approx(min(speech.words[2].end_s, speech.words[1].end_s + translate.PAUSE_S))
    assert translate.heard_by(speech, part._replace(open=False)) == speech.words[1].end_s


def test_the_user_and_the_model_speak_at_the_same_time():
    for name in ("cue", "pronounce", "translate"):
        together = 0
        for script, _ in cases(name):
            said = [(s.start_s, s.start_s + s.speech.seconds) for s in script.sounds]
            together += any(a < end and start < b for a, b in said for start, end in own_spans(script))
        assert together > 100, name


def test_every_family_is_found_and_endless():
    for family in FAMILIES:
        assert import_module(f"duologue.data.families.{family.NAME}") is family
        assert len(list(islice(family.lines(np.random.default_rng(0), "train"), 300))) == 300


def test_beside_talk_in_training_all_is_still_now_and_then(drawn, monkeypatch):
    monkeypatch.setattr(stock, "photographs", lambda: {f"{n}.jpg": np.full((240, 320, 3), 90, np.uint8) for n in range(20)})

    def is_still(stage: stages.Stage) -> bool:
        pictures = [stages.replace(stage, camera=stages.Camera()).show(t) for t in np.arange(0, 20, 2.7)]
        return all(np.array_equal(one, pictures[0]) for one in pictures)

    scenes = {split: [sight.unrelated(np.random.default_rng(n), split, 20.0) for n in range(40)] for split in ("train", "test")}
    still = {split: sum(map(is_still, of)) for split, of in scenes.items()}
    assert still["test"] == 0 and 8 <= still["train"] <= 26
    covered = [stage for stage in scenes["train"] if not stage.actors and np.ptp(stage.show(0.0).reshape(-1, 3), 0).max() == 0]
    assert 1 <= len(covered) <= 12
    kinds = {type(actor) for stage in scenes["train"] if is_still(stage) for actor in stage.actors}
    assert kinds == {stages.Prop, stages.Figure}
