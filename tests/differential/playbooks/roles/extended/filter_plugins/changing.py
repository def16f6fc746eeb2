"""A filter that changes what it is given."""


def without(values, key):
    del values[key]
    return values


class FilterModule:
    def filters(self):
        return {"without": without}
