"""Projector and walking: what this device shows, remembered by a cookie."""

import pytest


def test_a_projector_shows_no_name_and_no_address(signed_in, hanako, python_class, aoi, ren):
    client = signed_in(hanako)
    answer = client.post("/display/", {"mode": "projector", "next": f"/classes/{python_class.pk}/"})
    assert answer.status_code == 302
    assert answer["Location"] == f"/classes/{python_class.pk}/"
    page = client.get(f"/classes/{python_class.pk}/").content.decode()
    assert "<html" in page
    assert "data-projector" in page
    assert f"Student {aoi.pk}" in page
    assert ">Aoi<" not in page
    assert 'title="aoi@example.com"' not in page
    page = client.get(f"/classes/{python_class.pk}/students/{ren.pk}/").content.decode()
    assert f"Student {ren.pk}" in page
    assert "Ren" not in page
    assert "ren@example.com" not in page


def test_the_switch_turns_back(signed_in, hanako, python_class, aoi):
    client = signed_in(hanako)
    client.post("/display/", {"mode": "projector"})
    client.post("/display/", {"mode": "walking"})
    assert "data-projector data-walking" in client.get(f"/classes/{python_class.pk}/").content.decode()
    client.post("/display/", {"mode": "projector"})
    page = client.get(f"/classes/{python_class.pk}/").content.decode()
    assert "data-walking" in page
    assert "data-projector" not in page
    assert ">Aoi<" in page


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", "javascript:alert(1)", ""])
def test_the_switch_leads_nowhere_else(signed_in, hanako, elsewhere):
    answer = signed_in(hanako).post("/display/", {"mode": "walking", "next": elsewhere})
    assert answer["Location"] == "/"


def test_there_are_two_modes(signed_in, hanako):
    assert signed_in(hanako).post("/display/", {"mode": "x"}).status_code == 400
