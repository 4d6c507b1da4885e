"""What `make audit` makes of what pip-audit says."""

import json

from tests.advisories import asked, verdict

HOLE = {"id": "PYSEC-2024-1", "aliases": ["CVE-2024-1"], "fix_versions": ["4.2.1"], "description": "…"}


def said(*holes: dict) -> str:
    packages = [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "version": "4.2", "vulns": [*holes]}]
    return json.dumps({"dependencies": packages})


def test_nothing_known():
    assert verdict(said(), "", ignored={}) == (True, ["No known hole in 2 packages."])


def test_a_known_hole_fails_and_says_what_to_do():
    is_well, [line] = verdict(said(HOLE), "", ignored={})
    assert not is_well
    assert line.startswith("b 4.2: PYSEC-2024-1, mended in 4.2.1.")


def test_a_reason_excuses_it_by_any_of_its_names():
    is_well, [line] = verdict(said(HOLE), "", ignored={"CVE-2024-1": "we never parse XML"})
    assert is_well
    assert "we never parse XML" in line
    assert not verdict(said(HOLE, {**HOLE, "id": "X", "aliases": []}), "", ignored={"CVE-2024-1": "…"})[0]


def test_a_reason_that_nothing_needs_is_named():
    is_well, [line] = verdict(said(), "", ignored={"CVE-1": "…"})
    assert is_well
    assert line == "CVE-1 is ignored and not reported any more: take it out."


def test_without_a_network_it_says_so_and_goes_on():
    stdout, stderr = asked(program=("-c", "import sys; sys.exit('ConnectionError: no route to osv.dev')"))
    is_well, [line] = verdict(stdout, stderr, ignored={})
    assert is_well
    assert "NOT looked up" in line
    assert "no route to osv.dev" in line


def test_a_fault_of_its_own_is_no_network():
    stdout, stderr = asked(program=("-c", "import sys; sys.exit('usage: no such option')"))
    assert verdict(stdout, stderr, ignored={}) == (False, ["pip-audit failed: usage: no such option"])
