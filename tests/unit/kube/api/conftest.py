"""Property tests count examples, not seconds: a machine that is shared is slow at times."""

from hypothesis import settings

settings.register_profile("shared", deadline=None)
settings.load_profile("shared")
