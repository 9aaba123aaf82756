"""What the embedded echo target is to do."""

from typing import Annotated

from surgewire.plan import fields
from surgewire.plan.target_config import TargetConfig


class EchoTargetConfig(TargetConfig):
    """Everything that decides what the echo target does; ``processes`` share the port.

    ``deflate``: agree to permessage-deflate where a client offers it.
    """

    processes: Annotated[int, *fields.count(1, fields.MAX_PROCESSES)] = 1
    deflate: bool = False
