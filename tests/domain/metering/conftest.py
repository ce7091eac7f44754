from tests.metering_world import makers, world

__all__ = ["makers", "world"]
