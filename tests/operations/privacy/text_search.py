"""Looking for a text everywhere that something is stored, without asking the product where that is."""

from pathlib import Path

from django.db import connection
from redis import Redis

COLUMNS = """SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND data_type NOT IN
                   ('bigint', 'integer', 'smallint', 'boolean', 'double precision', 'numeric', 'date', 'interval')"""


def rows_naming(*words: str) -> list[str]:
    """`table.column: value` for every value of the database that holds one of the words, without regard to case."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        columns = cursor.fetchall()
        assert len(columns) > 100
        selects = [
            f"""SELECT '{table}.{column}', "{column}"::text FROM "{table}", words
                WHERE strpos(lower("{column}"::text), word) > 0"""
            for table, column in columns
        ]
        known = "WITH words AS (SELECT lower(unnest(%s::text[])) AS word)"
        cursor.execute(f"{known} {' UNION ALL '.join(selects)}", [list(words)])
        return [f"{place}: {value[:200]}" for place, value in cursor.fetchall()]


def keys_naming(redis: Redis, *words: str) -> list[str]:
    """Every key of Redis that holds one of the words in its name or anywhere in its value."""
    reads = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"stream": redis.xrange,
        b"none": lambda key: "",  # it expired meanwhile
    }
    wanted = [form for word in words for form in (word.lower(), str(word.lower().encode())[2:-1])]
    found = []
    for key in redis.scan_iter():
        said = repr((key, reads[redis.type(key)](key))).lower()
        found += [key.decode() for form in wanted if form in said]
    return found


def files_naming(directory: Path, *words: str) -> list[str]:
    return [
        str(file)
        for file in directory.rglob("*")
        if file.is_file()
        for word in words
        if word.encode() in file.read_bytes() or word in str(file)
    ]
