"""A test that only this role brings."""


class TestModule:
    def tests(self):
        return {"short": lambda text: len(text) < 4}
