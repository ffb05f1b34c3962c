"""The Admin API: `/api/admin/...` of the edge, described at `/openapi.json`, readable at `/docs`.

How to add a resource:

1. `schemas/admin/<resource>.py`: its models. What callers send derives from `Body` (strict, nothing unnamed), what is
   answered from `Shown` (made of rows and structs: `Thing.model_validate(found)`), filters of a list from `Listing`.
   Bounded types for all that is sent are in `schemas/admin/values.py`; choices are `Literal`s.
2. The use-case is a plain async function in `infra/<feature>.py`, which the CLI calls too. It raises the errors of
   `infra/errors.py`: `UnknownError` becomes a 404, `ConflictError` (and any other `OperatorError`) a 409,
   `InvalidError` a 422, `AwayError` a 503; errors of MySQL and Kafka may pass through.
3. `infra/admin/<resource>.py`: a `router` of thin functions, added to `ROUTERS` in `app.py`. Their parameters:
   - who asks, with the scope that is needed: `Reader`, `Operating`, `Administrator`, which give an `Operator`;
   - `context: InContext`, which has settings, `db`, `gateway`, `await producer()`, `await publisher()`; a command gets
     the same by `infra.context.opened`;
   - a list: `wanted: Annotated[ThingFilter, Query()] -> Page[ThingShown]`, by `listing.py` where the table is long
     (`adapters.mysql.lists`), else by `cursors.py`; parts of a path: `Annotated[Key, Path()]`;
   - a change: `matching: Matching`, and `matching.check(etag_of(row), shown)` under the row's lock (`SELECT ... FOR
     UPDATE`); set the `ETag` header wherever one thing is shown;
   - a creation: `once: OnceOnly` and `return await once.run(body, ThingShown, make)`, where all that `make(session)`
     writes to MySQL goes through that session.
   The docstring of a route is its description. Nothing else is declared: `description.py` adds what may go wrong.
4. Whatever was changed is on record: `infra.audit.record_change(await context.producer(), actor=operator.name,
   trace_id=operator.trace_id, ...)`, the last statement of the transaction.

All routes share the edge's event loop: what computes for more than a millisecond or two goes to a process of its own.
The fuzzer of `tests/infra/admin/test_fuzz.py` runs over every route that is added.
"""
