"""Lists of who sits where, as teachers have them: what is read, and what is said of the rest."""

import pytest

from lms.rosters.rows import Unreadable
from lms.rosters.seat_lists import Classmate, read_seats

LABELS = ["A1", "A2", "A3", "B1", "B2", "B3"]
PEOPLE = [
    Classmate(1, "佐藤 花", "hana@example.com", "2601", "さとう はな"),
    Classmate(2, "佐藤 花", "hana2@example.com", "2602", "さとう はな"),
    Classmate(3, "鈴木 蓮", "ren@example.com", "2603", "すずき れん"),
    Classmate(4, "Emma Clark", "emma@example.com", "E-4", ""),
    Classmate(5, "", "noname@example.com"),
]


def read(text: str):
    return read_seats(text, labels=LABELS, classmates=PEOPLE)


def seated(text: str) -> dict[str, int]:
    table = read(text)
    assert not table.bad, [line.problem for line in table.bad]
    return {line.label: line.student.student_id for line in table.good}


@pytest.mark.parametrize(
    "text",
    [
        "seat,number\nA1,2601\nB2,2603",
        "座席番号\t学籍番号\nA1\t2601\nB2\t2603",
        "席;氏名;学籍番号\nA1;佐藤 花;2601\nB2;鈴木蓮;",
        "number,seat\n2601,A1\n2603,B2",
        "No.,Seat,E-mail\n1,A1,HANA@example.com\n2,B2,ren@example.com",
        "A1,2601\nB2,2603",
        "2601\tA1\n2603\tB2",
        "A1 2601\nB2 鈴木 蓮",
        "ａ１，２６０１\nｂ２，２６０３",
        "A1,hana@example.com\nB2,Ren <ren@example.com>",
        "seat,family name,first name,student number\nA1,佐藤,花,2601\nB2,鈴木,蓮,2603",
        "Seat plan of Monday\n\nSeat,Student number\nA1,2601\nB2,2603",
        'A1,="2601"\nB2,\'2603',
        "seat,reading,student number\nA1,,2601\nB2,スズキ　レン,2603",
    ],
)
def test_the_same_two_people(text):
    assert seated(text) == {"A1": 1, "B2": 3}


def test_names():
    assert seated("A1,Emma Clark\nA2,emma@example.com".splitlines()[0]) == {"A1": 4}
    assert seated("A1,EMMA  CLARK") == {"A1": 4}
    assert seated("Seat,First name,Last name\nA1,Emma,Clark") == {"A1": 4}
    assert seated("A1,noname") == {"A1": 5}  # as pages call whoever has no name
    assert seated("A1,すずき れん") == {"A1": 3}


def test_an_empty_seat_is_no_problem():
    table = read("seat,number\nA1,2601\nA2,\nA3,2603")
    assert [line.label for line in table.empty] == ["A2"]
    assert len(table.good) == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Z9,2601", "There is no seat “Z9” in this room."),
        (",2601", "The seat is missing."),
        ("A1,9999", "Nobody in this class has the number “9999”."),
        ("A1,ken@example.com", "Nobody in this class has the address “ken@example.com”."),
        ("A1,Ken", "Nobody in this class is called “Ken”."),
        ("A1,佐藤 花", "2 students are “佐藤 花”: write the student number or address (2601, 2602) as well."),
        ("A1,鈴木 蓮,2601", "“鈴木 蓮” and “2601” are two different students."),
        ("B1,2603", "The same student is on line 1."),
        ("B3,2602", "The same seat is on line 1."),
    ],
)
def test_what_cannot_be_read_is_said(line, problem):
    table = read(f"B3,2603\n{line}\nB2,emma@example.com")
    assert [bad.problem for bad in table.bad] == [problem]
    assert {good.label for good in table.good} == {"B3", "B2"}


def test_namesakes_are_told_apart():
    assert seated("A1,佐藤花,2602\nA2,佐藤花,hana@example.com") == {"A1": 2, "A2": 1}


def test_nothing_is_lost():
    table = read("Seat;Name;Team\nA1;佐藤 花;T\nZ9;Emma Clark;T\nA3;鈴木 蓮;T")
    assert table.ignored == ["Team"]
    assert table.rest() == "Seat\tName\tTeam\nA1\t佐藤 花\tT\nZ9\tEmma Clark\tT"
    assert [bad.number for bad in read(table.rest()).bad] == [2, 3]


@pytest.mark.parametrize(("text", "said"), [("", "empty"), (" \n\n", "empty"), ("A1\n" * 1001, "1000 lines")])
def test_no_list(text, said):
    with pytest.raises(Unreadable, match=said):
        read(text)


def test_a_room_without_seats():
    with pytest.raises(Unreadable, match="no seats"):
        read_seats("A1,2601", labels=[], classmates=PEOPLE)


def test_numbers_as_labels():
    """Labels are numbers, and so are students: the column with most labels is that of the seats."""
    table = read_seats("2601,1\n2602,2\n2603,3", labels=["1", "2", "3"], classmates=PEOPLE)
    assert {line.label: line.student.student_id for line in table.good} == {"1": 1, "2": 2, "3": 3}


def test_a_line_of_thousands_of_columns_is_refused():
    """Each of them would be looked for in each line."""
    with pytest.raises(Unreadable, match="Line 2 has more than 500 columns"):
        read(f"A1,2601\nA2,2602{',x' * 5000}\nA3,2603")
