"""Configurations for tests: built as the feed builds them."""

from collections.abc import Iterable

from schemas.configuration import Channel, Rule, Template, Tenant
from schemas.events import Action
from streams import topics
from streams.configuration import Configuration, Entry, Key, Published

TENANT = Tenant(id=1, name="Tenant Um")
OTHER_TENANT = Tenant(id=2, name="Tenant Dois")
CHANNEL = Channel(id="canalum", channel_id="Canal Um", tenant=TENANT, version=1)
OVERDUE = Rule(
    id="overdue", event_type="billing.invoice.overdue", action=Action.WHATSAPP, template="overdue", version=3
)
PRE_DUE = Rule(
    id="pre_due", event_type="billing.invoice.pre_due", action=Action.WHATSAPP, template="pre_due", version=1
)
INBOUND = Rule(id="inbound", event_type="whatsapp.inbound.message", action=Action.CHAT, version=1)
PAYMENTS = Rule(id="payments", event_type="asaas.payment.*", action=Action.NONE, version=1)
TEMPLATES = (
    Template(id="overdue", body="{{ name }}: vencida", version=5),
    Template(id="pre_due", body="{{ name }}: a vencer", version=1),
)

_TOPIC_OF = {Channel: topics.CONFIG_CHANNEL, Rule: topics.CONFIG_RULE, Template: topics.CONFIG_TEMPLATE}


def configuration(*entries: Entry) -> Configuration:
    """A configuration of these entries alone."""
    return Configuration(Published({Key(_TOPIC_OF[type(entry)], entry.id): entry for entry in entries}))


def usual(extra: Iterable[Entry] = ()) -> Configuration:
    """One tenant with a channel, and the default rules with short templates."""
    return configuration(CHANNEL, OVERDUE, PRE_DUE, INBOUND, PAYMENTS, *TEMPLATES, *extra)
