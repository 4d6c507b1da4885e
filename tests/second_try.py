"""A second try for tests marked `second_try`, which the end of the run lists as RERUN.

pytest-rerunfailures does not do: it keeps the fixtures of modules, so that the second try finds what the first one left
in the live system, and it drops the finalizers of the session.
"""

import pytest
from _pytest.runner import runtestprotocol


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not item.get_closest_marker("second_try"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    # After the last test of all, too, the session's fixtures stay for a second try.
    reports = runtestprotocol(item, nextitem=nextitem or item.session, log=False)  # type: ignore[arg-type]
    if any(report.failed for report in reports):
        item.session._setupstate.teardown_exact(item.session)  # only what is the whole session's stays
        _log(item, [_as_rerun(report) for report in reports if report.failed])
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    _log(item, reports)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _as_rerun(report: pytest.TestReport) -> pytest.TestReport:
    report.outcome = "rerun"
    return report


def _log(item: pytest.Item, reports: list[pytest.TestReport]) -> None:
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    return ("rerun", "R", "RERUN") if report.outcome == "rerun" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"RERUN {report.nodeid} ({report.when})")
        terminalreporter.write_line(report.longreprtext[-3000:])
