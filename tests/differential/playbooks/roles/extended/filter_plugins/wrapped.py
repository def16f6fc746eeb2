"""A filter that only this role brings."""


class FilterModule:
    def filters(self):
        return {"wrapped": lambda text, mark="*": f"{mark}{text}{mark}"}
