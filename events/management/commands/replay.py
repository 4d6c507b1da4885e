"""Post recorded requests again, to test a server with real data."""

import asyncio
import math
from argparse import ArgumentParser
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.management.connection import default_url, reach
from events.simulation.classroom import wall_clock
from events.simulation.connections import ConnectionPool
from events.simulation.recording import BadLine, Post, read, with_fresh_ids, with_shifted_times
from events.simulation.sender import ERRORS, TIMEOUT

NO_ANSWER = "no answer"


class Command(BaseCommand):
    help = "Posts the bodies of recorded requests, byte for byte, in their order; bad lines are named and left out."
    requires_system_checks = []  # speaks HTTP only: needs neither the database nor Redis

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="JSON lines: recorded requests, events or arrays of events")
        parser.add_argument("--url", help="address of the server; default: WEB_URL, or the server `up` runs here")
        parser.add_argument(
            "--speed", type=float, default=1, help="1: as recorded; 10: ten times as fast; 0: without waiting"
        )
        parser.add_argument("--key", default="", help="ingest key of the class, where the server asks for one")
        parser.add_argument("--fresh-ids", action="store_true", help="new event ids, for a server that knows the old")
        parser.add_argument("--shift-times", action="store_true", help="move all event times; the latest becomes now")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["speed"] < math.inf:
            raise CommandError("--speed must be a number of 0 or more.")
        posts = self._load(options)
        with suppress(KeyboardInterrupt):
            answers = asyncio.run(self._replay(posts, options))
            self._report(answers)
            return
        raise CommandError("Stopped.")

    def _load(self, options: dict[str, Any]) -> list[Post]:
        try:
            lines = options["file"].read_bytes().split(b"\n")
        except OSError as trouble:
            raise CommandError(f"Cannot read {options['file']}: {trouble.strerror}.") from trouble
        posts: list[Post] = []
        for found in read(lines):
            if isinstance(found, BadLine):
                self.stderr.write(f"line {found.line}: left out: {found.reason}")
            else:
                posts.append(found)
        if not posts:
            raise CommandError(f"{options['file']} holds nothing to post.")
        if options["fresh_ids"]:
            posts = with_fresh_ids(posts)
        return with_shifted_times(posts, now=wall_clock()) if options["shift_times"] else posts

    async def _replay(self, posts: list[Post], options: dict[str, Any]) -> Counter[str]:
        url = options["url"] or default_url()
        pool = await reach(url=url, key=options["key"])
        self.stdout.write(f"{len(posts)} posts to {url}")
        answers: Counter[str] = Counter()
        before: float | None = None
        for post in posts:
            if options["speed"] and post.at is not None:
                if before is not None:  # a file may hold several recordings, each with a clock of its own
                    await asyncio.sleep(max(post.at - before, 0) / options["speed"])
                before = post.at
            answer = await _send(pool, post)
            answers[answer] += 1
            if not _good(answer):
                self.stderr.write(f"line {post.line}: {answer}")
        await pool.close()
        return answers

    def _report(self, answers: Counter[str]) -> None:
        self.stdout.write("answer      posts")
        for answer, count in sorted(answers.items()):
            self.stdout.write(f"{answer:<10} {count:>6}")
        bad = sum(count for answer, count in answers.items() if not _good(answer))
        if bad:
            raise CommandError(f"{bad} of {answers.total()} posts were not accepted.")


def _good(answer: str) -> bool:
    return answer.isdigit() and int(answer) < 400


async def _send(pool: ConnectionPool, post: Post) -> str:
    try:
        async with asyncio.timeout(TIMEOUT):
            return str(await pool.post(post.body))
    except ERRORS:
        return NO_ANSWER
