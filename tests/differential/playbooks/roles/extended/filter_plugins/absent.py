"""Cannot be loaded here: nobody uses it."""

from a_library_that_nobody_has import something


class FilterModule:
    def filters(self):
        return {"absent": something}
