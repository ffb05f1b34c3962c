"""A bare aiomysql loop over statements that are in a file: `HOST PORT USER PASSWORD DATABASE FILE`."""

import asyncio
import pickle
import sys
from pathlib import Path
from time import perf_counter, process_time

import aiomysql
import msgspec


async def _main(host: str, port: str, user: str, password: str, name: str, *, kept: bytes) -> None:
    statements = pickle.loads(kept)  # noqa: S301 (written by the bench itself)
    connection = await aiomysql.connect(
        host=host, port=int(port), user=user, password=password, db=name, charset="utf8mb4", autocommit=True
    )
    began, used = perf_counter(), process_time()
    async with connection.cursor() as cursor:
        for statement, values in statements:
            await cursor.execute(statement, values or None)
            await cursor.fetchall()
    cost = {"seconds": perf_counter() - began, "cpu_seconds": process_time() - used}
    connection.close()
    print(msgspec.json.encode(cost).decode())


*_address, _file = sys.argv[1:]
asyncio.run(_main(*_address, kept=Path(_file).read_bytes()))
