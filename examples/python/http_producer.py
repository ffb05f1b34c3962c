"""Tell Posto of an overdue invoice over HTTP, with the standard library alone.

EDGE=http://127.0.0.1:8080 EVENT_INGESTION_SECRET=... python http_producer.py INV-1001 5547999990001
"""

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

ATTEMPTS = 8
FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0  # seconds
TIMEOUT = 30.0
SEND_AGAIN = {408, 429, 500, 502, 503, 504}


class RefusedError(Exception):
    """Posto will never take this event as it is: mend it, do not send it again."""


def tell(edge: str, secret: str, event: dict[str, Any]) -> dict[str, Any]:
    """Return Posto's answer once the event is kept.

    Each attempt sends the same bytes, so an event that did arrive before its answer was lost counts once.
    """
    body = json.dumps(event).encode()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{edge}/api/events", data=body, headers=headers)
    wait = FIRST_WAIT
    for attempt in range(1, ATTEMPTS + 1):
        asked = 0.0
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            if error.code not in SEND_AGAIN:
                raise RefusedError(explained(error)) from None
            problem = f"HTTP {error.code}"
            asked = float(error.headers.get("Retry-After") or 0)
        except (OSError, HTTPException, ValueError) as error:  # nobody listens, no answer in time, half an answer
            problem = str(error) or type(error).__name__
        if attempt < ATTEMPTS:
            pause = max(asked, wait * random.uniform(0.5, 1.5))
            print(f"attempt {attempt}: {problem}; again in {pause:.1f} s", file=sys.stderr)
            time.sleep(pause)
            wait = min(wait * 2, LONGEST_WAIT)
    raise ConnectionError(f"Posto did not take the event in {ATTEMPTS} attempts: keep it and send it later, unchanged.")


def explained(error: urllib.error.HTTPError) -> str:
    """What is wrong, from the problem document (RFC 9457) of the answer: every field that is, with the reason."""
    try:
        problem = json.load(error)
        wrong = [f"  {field['field']}: {field['message']}" for field in problem.get("errors", [])]
        return "\n".join([f"{error.code} {problem['title']}", *(wrong or [f"  {problem['detail']}"])])
    except (ValueError, KeyError):
        return f"{error.code}, and no problem document: is {error.url} an edge of Posto?"


def main() -> None:
    invoice, phone = sys.argv[1:]
    event = {
        "source_system": "examples",
        "event_type": "billing.invoice.overdue",
        "external_id": invoice,
        "occurrence": "overdue_3d",  # due again in some days: another occurrence of the same invoice
        "tenant_id": 1,
        "payload": {"phone": phone, "name": "Ana Souza", "amount": 129.9, "due_date": "2026-01-10"},
    }
    try:
        answer = tell(os.environ["EDGE"], os.environ["EVENT_INGESTION_SECRET"], event)
    except (RefusedError, ConnectionError) as error:
        sys.exit(str(error))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
