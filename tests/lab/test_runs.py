"""What a kernel runs is what the product has stored: one row a run, with the kernel's order and times."""

import os
import signal
import time

import pytest

from tests.servers import wait_until

TOLERANCE = 50  # ms between the kernel's dates and the stored duration


@pytest.fixture(scope="module")
def hanako(start_jupyter):
    return start_jupyter("hanako@example.com")


def test_fifty_cells_one_after_another(product, hanako):
    sources = [f"x{n} = {n}\nx{n}" for n in range(50)]
    kernel = hanako.kernel("fifty.ipynb", *sources)
    asked = [kernel.execute(text, cell=n) for n, text in enumerate(sources)]
    kernel.reply(asked[-1])
    rows = product.wait_for_runs("hanako@example.com", 50)
    assert [row["run_id"] for row in rows] == asked, "one row a run, in the kernel's order"
    assert [row["cell"] for row in rows] == [f"c{n}" for n in range(50)]
    assert [row["cell_index"] for row in rows] == list(range(50))
    assert [row["output"].strip() for row in rows] == [str(n) for n in range(50)]
    assert {row["path"] for row in rows} == {"fifty.ipynb"}
    assert {row["status"] for row in rows} == {"success"}
    assert {row["is_verified"] for row in rows} == {True}, "the class key was changed for a token of the student's own"
    took = kernel.times()
    assert {row["run_id"]: row["duration"] * 1000 for row in rows} == pytest.approx(took, abs=TOLERANCE)


def test_a_wait_is_not_part_of_the_next_run(product, hanako):
    kernel = hanako.kernel("waits.ipynb", "import time; time.sleep(3)", "1")
    before = len(product.runs("hanako@example.com"))
    kernel.execute("import time; time.sleep(3)", cell=0)
    kernel.reply(kernel.execute("1", cell=1))
    slow, quick = product.wait_for_runs("hanako@example.com", before + 2)[-2:]
    assert 3 <= slow["duration"] < 3.1
    assert quick["duration"] < 0.5
    assert quick["queued_ms"] > 2000


def test_an_error_keeps_its_traceback_and_aborts_what_follows(product, hanako):
    source = "import time; time.sleep(1); 1/0"  # what follows is queued by then, also on a busy machine
    kernel = hanako.kernel("error.ipynb", source, "2")
    before = len(product.runs("hanako@example.com"))
    kernel.execute(source, cell=0)
    kernel.reply(kernel.execute("2", cell=1))
    failed, aborted = product.wait_for_runs("hanako@example.com", before + 2)[-2:]
    assert (failed["status"], failed["error_message"]) == ("error", "ZeroDivisionError: division by zero")
    assert "ZeroDivisionError" in failed["traceback"]
    assert (aborted["status"], aborted["cell"]) == ("aborted", "c1")
    assert aborted["consecutive_error_count"] == 0


def test_an_interrupt_is_no_error(product, hanako):
    kernel = hanako.kernel("stopped.ipynb", "while True: pass")
    before = len(product.runs("hanako@example.com"))
    asked = kernel.execute("while True: pass", cell=0)
    kernel.begun(asked)
    hanako.ask(f"api/kernels/{kernel.kernel_id}/interrupt", "POST")
    kernel.reply(asked)
    assert product.wait_for_runs("hanako@example.com", before + 1)[-1]["status"] == "aborted"


def test_a_kernel_that_dies(product, hanako):
    kernel = hanako.kernel("dies.ipynb", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "2")
    before = len(product.runs("hanako@example.com"))
    kernel.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", cell=0)
    died = product.wait_for_runs("hanako@example.com", before + 1)[-1]
    assert (died["status"], died["error_message"].split(":")[0]) == ("error", "KernelDied")


def test_a_restart_ends_what_runs(product, hanako):
    kernel = hanako.kernel("restarts.ipynb", "import time; time.sleep(60)", "2")
    before = len(product.runs("hanako@example.com"))
    first = kernel.execute("import time; time.sleep(60)", cell=0)
    kernel.execute("2", cell=1)
    kernel.begun(first)
    hanako.ask(f"api/kernels/{kernel.kernel_id}/restart", "POST")
    rows = product.wait_for_runs("hanako@example.com", before + 2)[-2:]
    assert [row["status"] for row in rows] == ["aborted", "aborted"]
    assert sorted(row["cell"] for row in rows) == ["c0", "c1"]


def test_a_client_that_gives_no_hints_is_seen_too(product, hanako):
    """As VS Code on this Jupyter server: the one cell of the saved notebook with this source is meant."""
    kernel = hanako.kernel("elsewhere.ipynb", "a = 1", "b = 2")
    before = len(product.runs("hanako@example.com"))
    kernel.run("b = 2")
    found = product.wait_for_runs("hanako@example.com", before + 1)[-1]
    assert (found["path"], found["cell"]) == ("elsewhere.ipynb", "c1")


def test_a_flood_of_output_is_cut_and_its_run_is_in_time(product, hanako):
    kernel = hanako.kernel("flood.ipynb", "for n in range(100_000): print(n)")
    before = len(product.runs("hanako@example.com"))
    kernel.run("for n in range(100_000): print(n)", cell=0, timeout=120)
    found = product.wait_for_runs("hanako@example.com", before + 1)[-1]
    assert len(found["output"].encode()) <= 32 * 1024
    assert found["output"].startswith("0\n1\n")
    assert "99999" in found["output"]
    [took] = list(kernel.times().values())[-1:] or [None]
    assert took is None or found["duration"] * 1000 == pytest.approx(took, abs=TOLERANCE)


def test_a_killed_jupyter_server_loses_nothing_that_ended(product, start_jupyter):
    """Four times, at different moments of five runs a second."""
    email = "jiro@example.com"
    server = start_jupyter(email)
    ended: list[str] = []
    for attempt in range(4):
        kernel = server.kernel(f"killed{attempt}.ipynb", "1")
        deadline = time.monotonic() + 1.5 + attempt * 0.37
        while time.monotonic() < deadline:
            asked = kernel.execute("1", cell=0)
            kernel.reply(asked)
            ended.append(asked)
            time.sleep(0.2)
        time.sleep(1.0)  # what ended a second ago is on disk: 0.2 s for stragglers, then a commit
        kernel.close()
        server.kernels.clear()
        _kill_with_children(server.process.pid)
        server.process.wait()
        server.start()
    wait_until(
        lambda: set(ended) <= {row["run_id"] for row in product.runs(email)}, seconds=60, what="all runs", pause=0.1
    )
    rows = product.runs(email)
    assert len({row["run_id"] for row in rows}) == len(rows), "none twice"


def _kill_with_children(pid: int) -> None:
    """Kill the server and its kernels: those end by themselves only when they notice."""
    import psutil

    children = psutil.Process(pid).children(recursive=True)
    os.kill(pid, signal.SIGKILL)
    for child in children:
        child.kill()


def test_who_may_be_stuck_is_asked_and_says_they_are_fine(product, start_jupyter):
    product.live.manage(
        "shell", "--no-imports", "-c", "from lms.models import Class; Class.objects.update(asks_if_stuck=True)"
    )
    mei = start_jupyter("mei@example.com")
    kernel = mei.kernel("stuck.ipynb", "undefined")
    for _ in range(8):
        kernel.run("undefined", cell=0)
        time.sleep(0.5)
    product.wait_for_runs("mei@example.com", 8)
    # Whoever asks for the state is a tab.
    wait_until(lambda: mei.state()["question"], seconds=60, what="the question", pause=0.1)
    number = mei.state()["question"]["id"]
    assert mei.ask("cell-monitor-lab/question", "POST", {"id": number, "answer": "fine"})["question"] is None
    query = "SELECT answer, probability, answered_at > asked_at AS is_later FROM stuck_questions WHERE id = %s"
    wait_until(lambda: product.rows(query, number)[0]["answer"] == "fine", what="the answer")
    [row] = product.rows(query, number)
    assert row["is_later"]
    assert 0.35 <= row["probability"] < 0.88
