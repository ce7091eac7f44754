"""PostgreSQL and Redis from wheels, run as children of this process: no other software is needed.

`start_embedded(data_dir)` is the whole interface. See `servers.py` for what it promises.
"""

from infrastructure.embedded.home import EmbeddedError
from infrastructure.embedded.servers import Environment, start_embedded

__all__ = ["EmbeddedError", "Environment", "start_embedded"]
