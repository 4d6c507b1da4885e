"""Lists in the encodings of many countries: told by what they say, and refused where that is not clear."""

import pytest

from lms.rosters.parser import Unreadable, text_of

ENCODED = {
    "cp932": ["hana@example.com,佐藤花\nken@example.com,髙橋健\n", "a@b.jp,葵", "a@b.jp,凜", "a@b.jp,ｻﾄｳ ﾊﾅ,チームA"],
    "euc_jp": ["氏名,メール\n山田 葵,a@b.jp\n", "a@b.jp,伊藤さくら", "a@b.jp,高橋一郎", "a@b.jp,渡邊恵,A班"],
    "iso2022_jp": ["氏名,メール\n山田 葵,a@b.jp\n", "a@b.jp,佐藤花"],
    "cp949": ["a@b.kr,김철수\nb@b.kr,이영희\n", "이름,이메일\n최민수,a@b.kr\n", "a@b.kr,똠방각하"],
    "gb18030": ["a@b.cn,王小明\nb@b.cn,李伟\n", "姓名,邮箱\n刘强,a@b.cn\n", "a@b.cn,欧阳娜娜"],
    "big5": ["姓名,電子郵件\n林志豪,a@b.tw\n", "a@b.tw,張雅婷"],
    "cp1252": ["a@e.de,Jörg Müller", "a@e.fr,Élodie", "a@e.es,José Muñoz", "a@e.de,MÜLLER", "a@e.is,Þórður Ægisson",
               "a@e.com,O’Brien"],
    "mac_roman": ["a@e.fr,Hélène Dupré\nb@e.fr,François", "a@e.de,Jörg Weiß", "a@e.dk,Søren Åberg"],
    "cp1250": ["a@e.pl,Łukasz Wiśniewski", "a@e.cz,Jiří Dvořák"],
    "cp1251": ["a@e.ru,Иванов Иван", "a@e.ua,Шевченко Олексій\nb@e.ua,Андрій Коваленко"],
    "koi8_r": ["a@e.ru,Иванов Иван\nb@e.ru,Петрова Мария", "a@e.ru,СМИРНОВ АЛЕКСЕЙ"],
    "koi8_u": ["a@e.ua,Андрій Коваленко"],
    "cp866": ["a@e.ru,Иванов Иван\nb@e.ru,Петрова Мария"],
    "iso8859_5": ["a@e.ru,Иванов Иван\nb@e.ru,Петрова Мария"],
    "cp1254": ["a@e.tr,Ayşe Yılmaz\nb@e.tr,Mehmet Doğan", "a@e.tr,Barış Şahin", "a@e.tr,AYŞE YILDIRIM"],
    "cp857": ["a@e.tr,Barış Şahin\nb@e.tr,Işık Yıldız"],
    "cp1253": ["a@e.gr,Γιώργος Παπαδόπουλος", "a@e.gr,ΚΩΝΣΤΑΝΤΙΝΟΣ ΙΩΑΝΝΟΥ"],
    "iso8859_7": ["a@e.gr,Δημήτρης Αντωνίου"],
    "cp1255": ["a@e.il,דוד כהן\nb@e.il,שרה לוי", "a@e.il,יעל מזרחי"],
    "cp1256": ["a@e.eg,محمد أحمد\nb@e.eg,فاطمة علي"],
    "cp874": ["a@e.th,สมชาย ใจดี\nb@e.th,สุดา แก้วมณี"],
    "cp1257": ["a@e.lt,Jūratė Kazlauskienė\nb@e.lt,Šarūnas Žukauskas", "a@e.lv,Jānis Bērziņš"],
    "cp850": ["a@e.de,Jörg Müller", "a@e.fr,Hélène Dupré\nb@e.fr,François Noël", "a@e.es,José Muñoz", "a@e.de,MÜLLER"],
    "cp852": ["a@e.pl,Łukasz Wiśniewski", "a@e.cz,Jiří Dvořák"],
    "iso8859_2": ["a@e.pl,Małgorzata Dąbrowska", "a@e.cz,Tomáš Novotný", "a@e.hu,Győző Szűcs"],
    "utf-16": ["メール,氏名\na@b.jp,佐藤"],
    "utf-16-le": ["メール,氏名\na@b.jp,佐藤"],
    "utf-16-be": ["メール,氏名\na@b.jp,佐藤"],
    "utf-8": ["a@e.de,Jörg", "a@b.jp,花"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "text"), [(name, text) for name, texts in ENCODED.items() for text in texts], ids=ascii
)
def test_the_encoding_is_told_by_what_it_says(encoding, text):
    assert text_of(text.encode(encoding)) == text


def test_circled_numbers_of_windows_in_iso_2022_jp():
    assert text_of(b"a@b.jp,\x1b$B-!\x1b(B") == "a@b.jp,①"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("a@e.tr,Hasan Şen", "cp1254"), ("a@b.jp,ﾔﾏﾀﾞ ﾀﾛｳ", "cp932"), ("a@b.jp,葵", "euc_jp")],
    ids=ascii,
)
def test_names_that_read_as_well_in_another_encoding_are_refused(text, encoding):
    with pytest.raises(Unreadable, match="Save it as “CSV UTF-8”"):
        text_of(text.encode(encoding))


def test_accents_that_are_written_as_characters_of_their_own_are_put_together():
    content = b"a@e.vn," + b"Nguy\xea\xden V\xe3n Anh"
    assert text_of(content) == "a@e.vn,Nguyễn Văn Anh"
