"""What includes tasks, for people's own callback plugins to tell it from other tasks."""


class TaskInclude:
    pass
