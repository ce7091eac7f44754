"""The GraphQL interface.

A context has a folder with `types.py`, `inputs.py`, `queries.py` (`<Context>Queries`) and `mutations.py`
(`<Context>Mutations`), and stands in the two lists of `schema.py`. How a resolver is written: `operations.py`.
"""
