"""Ask students at intervals whether they are stuck: those whose devices or long polls this process serves.

Two processes may look at one class at once; `classroom.questions.services.ask` sees to it that nobody is asked twice.
"""

import asyncio
import logging
from collections import defaultdict

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from classroom.attention.questions import ask_uncertain_students
from realtime import broadcast
from realtime.watchers import watchers

logger = logging.getLogger(__name__)

INTERVAL = 20.0  # seconds


async def repeat() -> None:
    while True:
        await asyncio.sleep(INTERVAL)
        await ask_once()


async def ask_once() -> None:
    """Ask those who may be asked now; nobody while the database is away."""
    listening: defaultdict[int, set[int]] = defaultdict(set)
    for watcher in watchers.all:
        listening[watcher.class_id].add(watcher.student_id)
    if not listening:
        return
    try:
        asked = await database_sync_to_async(ask_uncertain_students)(listening, now=timezone.now())
    except DatabaseError as error:
        logger.warning("Nobody could be asked whether they are stuck: %s", type(error).__name__)
        return
    if asked:
        await broadcast.awake_inboxes(asked)
