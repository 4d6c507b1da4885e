"""A client of the sockets inside the tests' own process."""

from typing import Any

from channels.testing import WebsocketCommunicator

WAIT = 60.0  # seconds, on a busy machine; what is there at once costs none of it


class PatientCommunicator(WebsocketCommunicator):
    """Waits for as long as a frame may take, where channels gives a frame one second unless it is told."""

    async def receive_output(self, timeout: float = WAIT) -> Any:
        return await super().receive_output(max(timeout, WAIT))
