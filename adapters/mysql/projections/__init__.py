"""The projections, one table a module: a pure function from records to rows, and a statement that merges rows.

Merging is idempotent and, across topics, indifferent to order. What a row says comes from the records alone.
"""
