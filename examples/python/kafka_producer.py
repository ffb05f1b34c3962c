"""Tell Posto of an overdue invoice straight to Kafka (pip install aiokafka).

KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:19092 python kafka_producer.py INV-1001 5547999990001
"""

import asyncio
import json
import os
import sys

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError


async def main() -> None:
    invoice, phone = sys.argv[1:]
    event = {
        "source_system": "examples",
        "event_type": "billing.invoice.overdue",
        "external_id": invoice,
        "occurrence": "overdue_3d",  # due again in some days: another occurrence of the same invoice
        "tenant_id": 1,
        "payload": {"phone": phone, "name": "Ana Souza", "amount": 129.9, "due_date": "2026-01-10"},
    }
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        acks="all",  # until all replicas have it, nobody promises anything
        enable_idempotence=True,  # the client repeats a lost write by itself, without making two records of it
    )
    try:
        await producer.start()
        # Any key will do, for Posto finds equal facts by what they say; records of one key are taken in their order.
        record = await producer.send_and_wait("raw.event", json.dumps(event).encode(), key=invoice.encode())
    except KafkaError as error:
        sys.exit(f"Kafka did not take the event: {error!r}. Keep it and send it later, unchanged.")
    finally:
        await producer.stop()
    # What is wrong with an event has nobody to answer to here: it becomes a dead letter. `posto send` tries one first.
    print(json.dumps({"topic": record.topic, "partition": record.partition, "offset": record.offset}))


asyncio.run(main())
