"""What clients are generated from and `kubectl explain` shows: `schemas` of the types, `operations` on them, the documents as `published`."""
