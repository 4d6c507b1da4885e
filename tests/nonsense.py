"""What nobody means to ask for: values for queries, paths, forms and cookies that have taken servers down."""

# As they stand in an address.
VALUES = [
    "%00", "a%00b", "%ED%A0%80", "%FF%FE", "99999999999999999999", "-99999999999999999999", "9223372036854775808",
    "2147483648", "99999", "-1", "0", "1e999", "NaN", "Infinity", "", "%20", "None", "null", "%D9%A1", "%C2%B2", "'",
    "%25", "..%2F..", "a" * 5000, "9" * 5000, "1,%00", "%5B", "%5C", "(", "10000-01-01",
    "9999-12-31T23:59:59%2B00:00", "0001-01-01T00:00:00-23:59", "00000000-0000-0000-0000-00000000000",
    "%F0%9F%92%A9", "%E2%80%AE", "true", "{}",
]  # fmt: skip
# A handful that has one of each kind, where many places are asked.
FEW = [
    "%00", "%ED%A0%80", "99999999999999999999", "9" * 5000, "-1", "99999", "%C2%B2", "", "9999-12-31T23:59:59%2B00:00",
    "a,%00",
]  # fmt: skip
TEXTS = [
    "\0", "a\0b", "\ud800", "9" * 30, "9" * 5000, "-1", "", " ", "²", "x" * 5000, "9999-12-31T23:59",
    "0001-01-01T00:00",
]  # fmt: skip
