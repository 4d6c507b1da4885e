"""The text of a run within its limit."""

from hypothesis import given
from hypothesis import strategies as st

from cell_monitor_lab.outputs import HEAD_BYTES, TAIL_BYTES, OutputText, apply_carriage_returns, clip, clip_end


def text_of(*parts):
    output = OutputText()
    for source, text in parts:
        output.add(source, text)
    return output.text()


def test_short_output_is_kept_whole_and_stderr_is_marked():
    assert text_of(("stdout", "a\n"), ("stderr", "b"), ("result", "c")) == "a\n[stderr]\nb\nc"


def test_long_output_keeps_beginning_and_end_and_says_what_is_missing():
    text = text_of(("stdout", "A" * 20_000), ("stdout", "Z" * 20_000))
    assert text.startswith("A" * HEAD_BYTES)
    assert text.endswith("Z" * TAIL_BYTES)
    assert f"[… {40_000 - HEAD_BYTES - TAIL_BYTES:,} bytes are not shown …]" in text


@given(st.lists(st.text(alphabet="aé日\n", max_size=3000), max_size=40))
def test_never_longer_than_the_limit_and_nothing_is_invented(parts):
    text = text_of(*(("stdout", part) for part in parts))
    whole = "".join(parts)
    assert len(text.encode()) <= HEAD_BYTES + TAIL_BYTES + 100
    if len(whole.encode()) <= HEAD_BYTES:
        assert text == whole
    else:
        assert whole.startswith(text[:1000])
        assert whole.endswith(text[-500:].split("…]\n")[-1])


def test_messages_in_a_flood_are_not_decoded_unless_they_are_the_last():
    output = OutputText()
    output.add("stdout", "x" * (HEAD_BYTES + 1))
    assert output.is_full
    loaded = []

    def load(number):
        loaded.append(number)
        return "stdout", f"{number:04d}\n" * 200

    for number in range(1000):
        output.add_later(1000, lambda number=number: load(number))
    text = output.text()
    assert text.endswith("0999\n")
    assert len(loaded) < 15
    assert "bytes are not shown" in text


def test_progress_bars_overwrite_their_line():
    assert apply_carriage_returns("10%\r50%\r100%\ndone\r\n") == "100%\ndone\n"
    assert apply_carriage_returns("abcdef\rxy") == "xycdef"
    assert text_of(*(("stdout", f"\r{n:05d}") for n in range(10_000))) == "09999"


def test_clear_output_with_wait_clears_when_something_comes():
    output = OutputText()
    output.add("stdout", "old")
    output.clear(wait=True)
    assert output.text() == "old"
    output.add("stdout", "new")
    assert output.text() == "new"


@given(st.text(), st.integers(0, 50))
def test_clipping_cuts_no_character_in_two(text, size):
    text = text.encode("utf-8", "replace").decode()
    assert text.startswith(clip(text, size))
    assert text.endswith(clip_end(text, size)) or clip_end(text, size) == ""
    assert len(clip(text, size).encode()) <= size
    assert len(clip_end(text, size).encode()) <= size
