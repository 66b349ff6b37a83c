import pytest

from duologue.agent.backends import Scripted
from duologue.errors import DataError
from tests.agent.talking import stepped


def test_the_model_can_put_something_on_the_page():
    talk = stepped(Scripted({}))
    id = talk.calls("interface", "timer 3 0 0 tea")
    talk.calls("interface", "nonsense")
    assert talk.agent.page.shown[id].seconds == 300 and talk.agent.page.shown[id].title == "tea"
    assert [e.what for e in talk.agent.events] == ["interface", "refused"]


def test_a_click_reaches_the_model_as_a_note_and_only_what_is_there_can_be_clicked():
    talk = stepped(Scripted({}))
    talk.calls("interface", "timer 60")
    talk.calls("interface", '{"kind": "form", "id": "f1", "fields": [{"name": "city", "label": "City"}]}')
    for text in ("0.0 stop", "f1 send: city san  \n francisco"):
        talk.step(notes=(talk.agent.clicked(text),))
    assert [(e.text, e.source) for e in talk.agent.record.log[-2:]] == [
        ("0.0 stop", "ui"),
        ("f1 send: city san francisco", "ui"),
    ]
    for wrong in ("9.9 stop", "0.0 allow", "f1", ""):
        with pytest.raises(DataError, match="cannot be clicked"):
            talk.agent.clicked(wrong)
