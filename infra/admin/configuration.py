"""`/api/admin/configuration`: whether what is written is in force, and in which workers."""

from typing import Final

from fastapi import APIRouter

from infra.admin.access import Reader
from infra.admin.context import InContext
from infra.in_force import differences, read_authored_of
from schemas.admin.configuration import ConfigurationShown, FaultShown, WorkerShown

router: Final = APIRouter(tags=["configuration"])


@router.get("/configuration")
async def show_configuration(_: Reader, context: InContext) -> ConfigurationShown:
    """What MySQL says against what is published, and what each live worker has put in force."""
    publisher, workers = await context.publisher(), await context.workers()
    authored = await read_authored_of(context.db)
    published, positions = await publisher.published(), publisher.positions
    live, said = await workers.live(), await workers.applied()
    found = differences(authored, published)
    shown = [
        WorkerShown(
            worker=worker,
            host=said[worker].host if worker in said else None,
            pid=said[worker].pid if worker in said else None,
            applied_at=said[worker].at if worker in said else None,
            is_current=worker in said and said[worker].covers(positions),
        )
        for worker in live
    ]
    return ConfigurationShown(
        is_complete=published.is_complete,
        is_in_force=bool(shown) and all(one.is_current for one in shown) and not found.pending,
        pending=found.pending,
        vanished=list(found.vanished),
        faults=[FaultShown(subject=subject, reason=reason) for subject, reason in found.faults.items()],
        workers=shown,
    )
