"""Meanings of column headers in lists of students, in the words of the systems that export them.

A header is recognised by its normal form: without case, width, accents, blanks and punctuation; then without text in
brackets (`Email Address [Required]`), without a word for its owner (`student_email`), or by one of two halves
(`氏名 / Name`). A header with a word for another person (`保護者メール`) is not recognised.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from core.identity import label_key

# The roles of columns. There is also `others`: the address of a person who is no student. `romanised`, `alternate`
# and `number` are recognised so that they are not mistaken for names.
WORDS = {
    "email": """email | mail | e-mail address | mail address | email id | e-mail addresses | smtp address | メール
        | メールアドレス | メアド | メルアド | eメール | eメールアドレス | 電子メール | 電子メールアドレス
        | emailアドレス | mailアドレス | 이메일 | 이메일 주소 | 메일 | 메일 주소 | 전자우편 | 전자우편 주소 | 邮箱
        | 邮箱地址 | 电子邮箱 | 电子邮件 | 电子邮件地址 | 电邮 | 邮件 | 郵箱 | 信箱 | 電子郵件 | 電子信箱 | 電郵
        | e-mail-adresse | mailadresse | courriel | adresse e-mail | adresse mail | adresse courriel
        | adresse de courriel | adresse électronique | correo | correo electrónico | dirección de correo
        | dirección de correo electrónico | dirección email | endereço de e-mail | endereço de email
        | correio eletrônico | indirizzo e-mail | indirizzo email | posta elettronica
        | indirizzo di posta elettronica | e-mailadres | e-post | epostadress | sähköposti | электронная почта
        | адрес электронной почты | почта
        | địa chỉ email | thư điện tử | địa chỉ thư điện tử | adres e-mail | adres email | poczta | poczta
        elektroniczna | ηλεκτρονικό ταχυδρομείο | ηλεκτρονική διεύθυνση | διεύθυνση email | διεύθυνση e-mail |
        διεύθυνση ηλεκτρονικού ταχυδρομείου | ιμέιλ | e-posta | e-posta adresi | eposta | mail adresi | email
        adresi | อีเมล | อีเมล์ | อีเมลล์ | ที่อยู่อีเมล | ไปรษณีย์อิเล็กทรอนิกส์ | البريد الإلكتروني | بريد
        إلكتروني | البريد | عنوان البريد الإلكتروني | الإيميل | ايميل | דואר אלקטרוני | דוא"ל | אימייל | מייל |
        כתובת אימייל | כתובת מייל | כתובת דוא"ל | כתובת דואר אלקטרוני | e-mailová adresa | emailová adresa |
        elektronická pošta | email cím | e-mail cím | e-mailcím | elektronikus levélcím | електронна пошта |
        електронна адреса | адреса електронної пошти | пошта | surel | alamat email | alamat e-mail | alamat
        surel | surat elektronik | e-mail adres | mailadres | e-postadress | epost | e-postadresse |
        epostadresse | e-mailadresse | mailadresse | sähköpostiosoite""",
    "login": """login | login id | loginid | login name | username | user name | user id | userid
        | user principal name | upn | principal name | participant id | account | account name | netid | ユーザー名
        | ユーザ名 | ユーザーid | ユーザid | ユーザーネーム | ログインid | ログイン名 | アカウント | アカウント名
        | 아이디 | 사용자 이름 | 사용자명 | 用户名 | 登录名 | 帳號 | 账号 | benutzername | anmeldename
        | nom d'utilisateur | identifiant | usuario | nombre de usuario | nome utente""",
    "name": """name | full name | fullname | display name | complete name | legal name | student | students
        | learner | learners | pupil | participant | attendee | first and last name | first name last name
        | last name first name | 氏名 | 名前 | お名前 | 姓名 | フルネーム | 表示名 | 漢字氏名 | 氏名漢字 | 学生
        | 生徒 | 児童 | 受講者 | 受講生 | 履修者 | 履修生 | 参加者 | 学生名 | 生徒名 | 児童名 | 受講者名 | 受講生名
        | 履修者名 | 履修生名 | 参加者名 | 이름 | 성명 | 성함 | 학생 | 학생명 | 名字 | 学生姓名 | 學生姓名 | 学员
        | 学员姓名 | name vorname | nachname vorname | vorname nachname | vor und nachname | vollständiger name
        | teilnehmer | nom complet | nom et prénom | nom prénom | prénom nom | nom et prénoms | nombre completo
        | nombre y apellidos | apellidos y nombre | apellidos y nombres | nome completo | cognome e nome
        | nome e cognome | volledige naam | naam | фио | имя и фамилия
        | họ và tên | họ tên | tên đầy đủ | họ tên sinh viên | họ và tên sinh viên | sinh viên | học sinh | học
        viên | imię i nazwisko | nazwisko i imię | imię nazwisko | nazwisko imię | imiona i nazwisko | nazwisko
        i imiona | uczeń | student/ka | ονοματεπώνυμο | όνομα και επώνυμο | όνομα επώνυμο | επώνυμο όνομα |
        πλήρες όνομα | φοιτητής | μαθητής | ad soyad | adı soyadı | ad ve soyad | adı ve soyadı | isim soyisim |
        isim soyad | tam ad | tam adı | öğrenci | öğrenci adı soyadı | öğrenci ad soyad | ชื่อ-นามสกุล | ชื่อ
        นามสกุล | ชื่อ-สกุล | ชื่อและนามสกุล | ชื่อเต็ม | นักเรียน | นักศึกษา | الاسم | الاسم الكامل | اسم
        الطالب | الطالب | الاسم بالكامل | الاسم الثلاثي | الاسم الرباعي | שם מלא | שם ושם משפחה | שם פרטי ומשפחה
        | שם פרטי ושם משפחה | שם התלמיד | שם הסטודנט | תלמיד | סטודנט | jméno a příjmení | příjmení a jméno |
        jméno příjmení | příjmení jméno | celé jméno | žák | meno a priezvisko | priezvisko a meno | név |
        teljes név | tanuló | tanuló neve | hallgató | hallgató neve | diák | diák neve | піб | прізвище та ім'я
        | ім'я та прізвище | прізвище і ім'я | ім'я і прізвище | прізвище ім'я | ім'я прізвище | прізвище, ім'я,
        по батькові | повне ім'я | учень | nama | nama lengkap | nama mahasiswa | nama siswa | mahasiswa | siswa
        | nama peserta | peserta | voor- en achternaam | voornaam en achternaam | leerling | leerlingen |
        deelnemer | namn | fullständigt namn | för- och efternamn | förnamn och efternamn | elev | deltagare |
        navn | fulde navn | fullt navn | for- og etternavn | for- og efternavn | fornavn og etternavn | fornavn
        og efternavn | deltaker | deltager | studerende | nimi | koko nimi | etu- ja sukunimi | etunimi ja
        sukunimi | sukunimi ja etunimi | opiskelija | oppilas""",
    "given": """first name | firstname | given name | given names | givenname | forename | forenames | first | given
        | name first | vorname | vornamen | rufname | prénom | prénoms | nombre | nombres | nome | primeiro nome
        | voornaam | förnamn | etunimi | имя | 名 | 下の名前 | 名前名
        | tên | imię | imiona | pierwsze imię | όνομα | μικρό όνομα | ad | adı | isim | ilk ad | ชื่อ | ชื่อจริง
        | ชื่อต้น | الاسم الأول | الإسم الأول | שם פרטי | שם | jméno | křestní jméno | meno | krstné meno |
        keresztnév | utónév | ім'я | nama depan | roepnaam | voornamen | fornavn | tilltalsnamn | etunimet |
        kutsumanimi""",
    "middle": """middle name | middlename | middle names | middle | ミドルネーム | отчество | по батькові | tên đệm
        | drugie imię | ikinci ad | mellannamn | mellomnavn | mellemnavn | tussenvoegsel""",
    "family": """last name | lastname | surname | family name | familyname | last | family | surnames | name last
        | nachname | familienname | nom | nom de famille | apellido | apellidos | cognome | sobrenome | achternaam
        | efternamn | sukunimi | фамилия | 姓 | 氏 | 苗字 | 성 | 姓氏
        | họ | họ và tên đệm | họ đệm | họ lót | nazwisko | επώνυμο | επίθετο | soyad | soyadı | soyisim |
        นามสกุล | สกุล | اسم العائلة | اللقب | الاسم الأخير | العائلة | שם משפחה | משפחה | příjmení | priezvisko
        | vezetéknév | családnév | családi név | прізвище | nama belakang | nama keluarga | familienaam |
        etternavn | efternavn | familienavn | släktnamn""",
    "team": """team | team name | teams | group | group name | groups | team number | group number | project group
        | チーム | チーム名 | チーム番号 | 班 | 班名 | 班番号 | グループ | グループ名 | グループ番号 | 팀 | 팀명
        | 팀 이름 | 조 | 조 이름 | 그룹 | 小组 | 小組 | 组别 | 組別 | 分组 | 分組 | gruppe | gruppen | gruppenname
        | groupe | groupes | équipe | grupo | grupos | equipo | gruppo | squadra | équipes | groep | grupp | команда
        | группа
        | nhóm | tên nhóm | đội | grupa | nazwa grupy | zespół | drużyna | ομάδα | όνομα ομάδας | takım | takım
        adı | grup | grup adı | กลุ่ม | ชื่อกลุ่ม | ทีม | ชื่อทีม | المجموعة | مجموعة | الفريق | فريق | اسم
        المجموعة | קבוצה | שם קבוצה | שם הקבוצה | צוות | skupina | název skupiny | tým | tím | csoport |
        csoportnév | csapat | csapatnév | група | назва групи | kelompok | nama kelompok | tim | nama tim |
        groepsnaam | groepen | ploeg | gruppnamn | lag | gruppenavn | hold | holdnavn | ryhmä | ryhmän nimi |
        tiimi | joukkue""",
    "reading": """ふりがな | フリガナ | よみがな | ヨミガナ | 読み仮名 | 読みがな | 読み | よみ | ヨミ | カナ | かな
        | カナ氏名 | かな氏名 | 氏名カナ | 氏名かな | 氏名フリガナ | 氏名ふりがな | 氏名よみ | 氏名読み | 名前フリガナ
        | 名前ふりがな | 名前カナ | カナ名 | 全角カナ氏名 | 半角カナ氏名 | シメイ | しめい | 氏名よみがな | 氏名ヨミガナ
        | furigana | kana | kana name | name kana | reading | name reading | phonetic name | pronunciation | pinyin
        | 拼音""",
    "family reading": """セイ | せい | 姓カナ | 姓かな | 姓フリガナ | 姓ふりがな | 姓よみ | カナ姓 | phonetic last name
        | last name phonetic | phonetic family name | family name kana | last name kana""",
    "given reading": """メイ | めい | 名カナ | 名かな | 名フリガナ | 名ふりがな | 名よみ | phonetic first name
        | first name phonetic | phonetic given name | given name kana | first name kana""",
    "alternate": "alternate name",
    "romanised": """ローマ字 | ローマ字氏名 | 氏名ローマ字 | 英字氏名 | 氏名英字 | 英語氏名 | 氏名英語 | 英文氏名
        | 氏名英文 | 英語名 | 英字名 | アルファベット氏名 | romaji | english name | name in english | romanized name
        | romanised name | 영문 이름 | 영문명 | 영문성명 | 英文名 | 英文姓名""",
    "student number": """id number | student id | student number | student no | sis id | sis user id
        | register number | matriculation number | roll number | roll no | 学籍番号 | 学生番号 | 生徒番号
        | 学修番号 | 学生証番号 | 履修者番号 | idナンバー | 학번 | 学号 | 學號 | matrikelnummer
        | matrikel nr | numéro étudiant | matrícula | matricola | mã sinh viên | mã số sinh viên | mssv
        | mã học sinh | numer albumu | nr albumu | numer indeksu | nr indeksu | αριθμός μητρώου
        | αμ | öğrenci no | öğrenci numarası | okul no | รหัสนักศึกษา | รหัสนักเรียน | รหัสประจำตัว
        | เลขประจำตัว | الرقم الجامعي | رقم الطالب | رقم القيد | מספר תלמיד | מספר סטודנט
        | studentské číslo | osobní číslo | číslo studenta | učo | hallgatói azonosító | neptun kód
        | neptun | номер студента | номер студентського квитка
        | номер залікової книжки | nim | nis | nisn | npm | nomor induk
        | nomor induk mahasiswa | nomor mahasiswa | no induk | studentnummer | leerlingnummer | stamnummer
        | elevnummer | studienummer | studentnr | opiskelijanumero | student code | student id number
        | students id | 学籍id | 学生id | 生徒id | 学籍no | 学生no | 学生証no | 学籍コード | 学生コード""",
    # Numbers of rows and of systems, and those by which a state knows its people: never imported.
    "number": """no | nr | num | number | id | serial number | 番号 | 出席番号 | 連番 | 項番 | 通番 | 번호
        | 출석번호 | 序号 | 編號 | 编号 | numéro | número | số thứ tự | stt | numer | lp | α/α | numara
        | sıra no | sıra | รหัส | เลขที่ | ลำดับ | ลำดับที่ | الرقم | رقم | מספר | číslo | sorszám
        | номер | nomor | nummer | numero | 個人番号 | personnummer | ת"ז | תעודת זהות""",
}

# Whose it is: the student's, where one of these stands before the word.
OURS = """student | students | studentin | learner | learners | user | users | pupil | pupils | participant
    | participants | member | members | attendee | trainee | candidate | person | enrollee | your | my | sis
    | canvas | moodle | primary | main | official | login | google | microsoft | office 365 | zoom | teams | 学生
    | 生徒 | 児童 | 受講者 | 受講生 | 履修者 | 履修生 | 参加者 | 利用者 | 会員 | ユーザー | ユーザ | 本人 | 登録
    | 学員 | 学员 | 學生 | 학생 | 수강생 | 학습자 | 사용자 | 본인 | teilnehmer | schüler | studierende
    | studierenden | étudiant | élève | alumno | alumna | estudiante | aluno | studente | sinh viên | học sinh
    | öğrenci | uczeń"""
# The school as the owner: among several addresses of a student, this one is preferred.
SCHOOLS = """school | university | univ | uni | college | campus | institution | institutional | institute | work
    | office | org | organization | organisation | edu | academic | 大学 | 学校 | 学内 | 校内 | 所属 | 大学院 | 高校
    | 組織 | 学籍 | 학교 | 대학 | 学校邮箱 | hochschule | universität | schule | université | établissement
    | institucional"""
# Other addresses of a student: used if there is no better one.
PRIVATE = """personal | private | home | secondary | alternate | alternative | recovery | backup | other | mobile
    | new | 個人 | 私用 | 自宅 | 携帯 | 予備 | 副 | その他 | 개인 | 个人 | privat | privée | personnel | personal"""
# Words for other persons, anywhere in a header.
OTHERS = """parent | guardian | father | mother | emergency | teacher | instructor | advisor | adviser | tutor
    | supervisor | manager | coach | lecturer | professor | host | organizer | sender | 保護者 | 父 | 母 | 緊急
    | 教員 | 担任 | 担当 | 教師 | 講師 | 指導 | 連絡先氏名 | 主催 | 送信者 | 보호자 | 부모 | 교사 | 담임 | 교수
    | 家长 | 監護 | 监护 | 老师 | 教师 | eltern | lehrer | dozent | tuteur | enseignant | padre | madre | profesor
    | docente | phụ huynh | giáo viên | giảng viên | rodzic | opiekun | nauczyciel | γονέα | κηδεμόν | καθηγητ
    | διδάσκ | veli | öğretmen | hoca | ผู้ปกครอง | ครู | อาจารย์ | ولي الأمر | المعلم | الأستاذ | الوالد | הורה
    | הורים | מורה | מרצה | rodič | učitel | szülő | tanár | oktató | батьк | матер | вчител | викладач | родител
    | учител | orang tua | wali | guru | dosen | ouder | docent | leraar | vårdnadshavare | lärare | foresatt | forelder
    | forælder | lærer | huoltaja | opettaja"""
READINGS = "カナ | かな | フリガナ | ふりがな | よみ | ヨミ | 読み | kana | furigana | yomi | phonetic"
ROMANISED = "ローマ字 | 英字 | 英語 | 英文 | アルファベット | romaji | roman | romanized | alphabet | english"
SURNAMES = "姓 | 氏 | せい | セイ | last | family | surname"
FORENAMES = "名 | めい | メイ | first | given"

MAX_LENGTH = 120  # characters of a header; a longer text is no header
BRACKETS = re.compile(r"[(\[【「〈<{]([^)\]】」〉>}]*)[)\]】」〉>}]")
HALVES = re.compile(r"[/|;,\n\r]|(?<=[\u3000-\u9fff\uac00-\ud7a3])\s*(?=[a-z])|(?<=[a-z])\s*(?=[\u3000-\u9fff])")
MAIL = ("mail", "メール", "메일", "邮箱", "邮件", "郵件", "correo", "courriel", "eposta", "อีเมล", "بريد", "דואל")
NAMES = ("氏名", "성명", "姓名")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The role of a column. Of several columns with one role, the one with the lowest rank is used."""

    role: str
    rank: int = 0


def plain(header: str) -> str:
    """Return the normal form for comparisons, without case, width, accents, blanks and punctuation."""
    folded = unicodedata.normalize("NFD", label_key(header))
    folded = "".join(letter for letter in folded if not "\u0300" <= letter <= "\u036f")
    return "".join(letter for letter in unicodedata.normalize("NFC", folded) if letter.isalnum() or letter == "ー")


def _table(words: str) -> tuple[str, ...]:
    return tuple(sorted({plain(word) for word in words.split("|")}, key=len, reverse=True))


ROLES = {word: role for role, words in reversed(WORDS.items()) for word in _table(words)}
_OURS, _SCHOOLS, _PRIVATE, _OTHERS = _table(OURS), _table(SCHOOLS), _table(PRIVATE), _table(OTHERS)
_READINGS, _ROMANISED, _SURNAMES, _FORENAMES = map(_table, (READINGS, ROMANISED, SURNAMES, FORENAMES))


@lru_cache(maxsize=4096)
def meaning_of(header: str) -> Meaning | None:
    """Return the meaning of a header; None if it is unknown or not needed."""
    if len(header) > MAX_LENGTH or not (whole := plain(header)):
        return None
    if whole in ROLES:
        return Meaning(ROLES[whole])
    is_mail = any(word in whole for word in MAIL)
    if any(word in whole for word in _OTHERS):
        return Meaning("others") if is_mail else None
    text = label_key(header)
    brackets = [plain(inside) for inside in BRACKETS.findall(text)]
    base = BRACKETS.sub(" ", text)
    for word in (plain(base), *(plain(half) for half in HALVES.split(base))):
        found = _without_owner(word) if word else None
        if found is not None:
            return _qualified(found, brackets)
    if is_mail:
        return Meaning("email", 3 if any(word in whole for word in _PRIVATE) else 2)
    if any(word in whole for word in NAMES):
        return _qualified(Meaning("name", 2), [whole])
    return None


def _without_owner(word: str) -> Meaning | None:
    """Return the meaning of a word, or of the rest of it without a word for the owner."""
    if word in ROLES:
        return Meaning(ROLES[word])
    for owners, rank in ((_OURS, 1), (_SCHOOLS, -1), (_PRIVATE, 4)):
        for owner in owners:
            rest = word.removeprefix(owner)
            if rest != word and rest in ROLES:
                return Meaning(ROLES[rest], rank)
    bare = word.rstrip("0123456789")
    return Meaning(ROLES[bare], 2) if bare != word and bare in ROLES else None


def _qualified(found: Meaning, brackets: Iterable[str]) -> Meaning:
    """Refine the meaning by the texts in brackets: `氏名（カナ）` is a reading, `氏名（姓）` a family name, and
    `メール（大学）` the address that the school gives."""
    role, rank = found.role, found.rank
    for text in brackets:
        if role in ("name", "given", "family"):
            if any(word in text for word in _READINGS):
                role = "reading" if role == "name" else f"{role} reading"
            elif any(word in text for word in _ROMANISED):
                role = "romanised"
            elif role == "name" and text in _SURNAMES:
                role = "family"
            elif role == "name" and text in _FORENAMES:
                role = "given"
        elif role == "email":
            if any(word in text for word in _SCHOOLS):
                rank = -1
            elif any(word in text for word in _PRIVATE):
                rank = 4
    return Meaning(role, rank)
