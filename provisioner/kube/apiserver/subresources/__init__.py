"""Everything below an object, and the resources that are questions: each a function from a request to an answer."""
