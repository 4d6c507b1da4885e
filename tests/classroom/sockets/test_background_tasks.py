"""What each web process does for all its sockets ends when it is told to."""

import asyncio

from classroom.sockets import background_tasks


async def test_it_stops_however_little_it_has_begun(redis):
    """While it connects, redis-py swallows a cancellation: a process that had just started would never end."""
    for turn in range(60):
        await background_tasks.start()
        await asyncio.sleep(turn % 6 * 0.0005)
        async with asyncio.timeout(60):
            await background_tasks.stop()
