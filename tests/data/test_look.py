"""The page on which a person checks scripts."""

import re

import numpy as np

from duologue.data.look import SECOND, page
from duologue.data.script import View
from tests.data.synthetic import question


def test_pictures_and_words_stand_where_they_belong():
    script = question(start_s=0.5)
    script.typed.append((3.0, "a <b> & c"))
    script.views.append(View(1.0, 3.0, lambda t: np.full((120, 160, 3), 9, np.uint8), (0.7,)))
    made = page([script, question()])
    assert made.count("<section>") == 2
    assert made.count("data:image/jpeg;base64,") == 5  # every second of turns 5 to 14
    assert f'<i style="left:{round(1.7 * SECOND)}px">' in made
    lefts = {text: int(left) for left, text in re.findall(r'<span style="left:(\d+)px[^>]*>([a-z ]+)</span>', made)}
    assert lefts["what"] == 0.5 * SECOND and lefts["it is thirteen"] == round(script.own[0].start_s * SECOND)
    assert "a &lt;b&gt; &amp; c" in made and "<b>" not in made
