"""The sentence that says how the red cards and the attention list agree; live.js keeps it up to date."""

from collections.abc import Collection

from classroom.base.js_strings import failing_texts
from classroom.live.selectors import FAILING, LiveState


def failing_said(state: LiveState, *, known: Collection[int]) -> str:
    """Return the sentence, empty where no card is red; `known` are the students whom the list knows. No query."""
    failing = {card.student_id for card in state.cards if card.status in FAILING}
    if not failing:
        return ""
    listed = len(failing.intersection(known))
    rest = len(failing) - listed
    text = failing_texts()["failingSome" if listed and rest else "failingNone" if rest else "failingAll"]
    return text.format(count=len(failing), listed=listed, rest=rest)
