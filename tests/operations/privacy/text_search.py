"""Looking for a text everywhere that something is stored, without asking the product where that is."""

from pathlib import Path

from django.db import connection
from redis import Redis

COLUMNS = """SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND data_type NOT IN
                   ('bigint', 'integer', 'smallint', 'boolean', 'double precision', 'numeric', 'date', 'interval')"""


def rows_naming(*words: str) -> list[str]:
    """`table.column: value` for every value of the database that holds one of the words, without regard to case."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        columns = cursor.fetchall()
        assert len(columns) > 100
        for table, column in columns:
            for word in words:
                cursor.execute(
                    f'SELECT "{column}"::text FROM "{table}" WHERE strpos(lower("{column}"::text), lower(%s)) > 0',
                    [word],
                )
                found += [f"{table}.{column}: {value[:200]}" for (value,) in cursor.fetchall()]
    return found


def keys_naming(redis: Redis, *words: str) -> list[str]:
    """Every key of Redis that holds one of the words in its name or anywhere in its value."""
    reads = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"stream": redis.xrange,
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
