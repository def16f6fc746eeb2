"""Where a file of the role is, and what a text is when it is rendered."""

import os

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        found = self._loader.path_dwim_relative(variables["role_path"], "files", terms[0])
        rendered = self._templar.template(variables["hidden"])
        return [os.path.relpath(found, variables["playbook_dir"]), rendered, "word" in self._templar.available_variables]
