"""What is shown on the page of one conversation, and what may be clicked there."""

from duologue.agent import ui
from duologue.agent.board import Board, Event
from duologue.errors import DataError
from duologue.turn import Note

LONGEST_CLICK = 1_000  # characters, the values of a form included


class Page:
    """Specs by id. The board logs what is put there, and what is refused because it makes no sense."""

    def __init__(self, board: Board):
        self.board = board
        self.shown: dict[str, ui.Spec] = {}

    def show(self, spec: ui.Spec, task: str, turn: int) -> None:
        self.shown[spec.id] = spec
        self.board.log(turn, task, "interface", _json(spec))

    def call(self, text: str, id: str, turn: int) -> None:
        """Something that the model itself puts there."""
        try:
            self.show(ui.from_call(text, id), id, turn)
        except DataError as error:
            self.board.log(turn, id, "refused", str(error))

    def offer(self, value: dict, task: str, turn: int) -> None:
        """Something that a tool wants shown."""
        try:
            self.show(ui.parse(value | {"id": f"{task}-{len(self.shown)}"}), task, turn)
        except DataError as error:
            self.board.log(turn, task, "refused", str(error))

    def clicked(self, text: str) -> Note:
        """A click as the note that a turn is to carry. Raises DataError when nothing such is shown."""
        spec, element = ui.clicked(text)
        if spec not in self.shown or element not in ui.elements(self.shown[spec]):
            there = {id: ui.elements(shown) for id, shown in self.shown.items()}
            raise DataError(f"{text[:80]!r} cannot be clicked; on the page are {there}")
        return Note("ui", " ".join(text.split())[:LONGEST_CLICK])

    def standing(self) -> list[Event]:
        """The last event of each thing that is still shown as it was put there."""
        shown = {_json(spec) for spec in self.shown.values()}
        return list({event.text: event for event in self.board.events if event.what == "interface" and event.text in shown}.values())


def _json(spec: ui.Spec) -> str:
    return spec.model_dump_json(exclude_none=True)
