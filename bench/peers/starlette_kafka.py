"""A bare Starlette route that answers once all in-sync replicas have the body.

`python -m bench.peers.starlette_kafka PORT BOOTSTRAP_SERVERS`.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from aiokafka import AIOKafkaProducer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

TOPIC = "raw.webhook"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """One producer for all requests."""
    async with AIOKafkaProducer(bootstrap_servers=sys.argv[2], acks="all", enable_idempotence=True) as producer:
        app.state.producer = producer
        yield


async def webhook(request: Request) -> JSONResponse:
    """Keep the body in the order of its channel."""
    body = await request.body()
    channel = json.loads(body)["session"]
    await request.app.state.producer.send_and_wait(TOPIC, body, key=channel.encode())
    return JSONResponse({"status": "accepted"}, status_code=202)


app = Starlette(routes=[Route("/api/whatsapp/webhook", webhook, methods=["POST"])], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
