"""What the agents count."""

from prometheus_client import Counter

NOISE = Counter("posto_webhook_noise_total", "Technical webhooks that make no event.", ["channel", "kind"])
EVENTS = Counter("posto_events_total", "Events by what the router found them to be.", ["kind"])
