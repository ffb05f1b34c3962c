"""Which channels of a partition are down, as far as anybody told, and which commands wait for that to end. Pure."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.deliveries import DeliveryFact, Evidence, EvidenceKind, FactKind, Status
from streams.deliveries import Delivery
from streams.sending.book import CommandKey
from streams.sending.inputs import Answer, Down, NotSent, Sent
from streams.sending.trouble import CHANNEL_DOWN, GATEWAY_DOWN, Sign, sign_of

DOWN_STATES: Final = frozenset({"disconnected", "qr_required"})
"""What a channel's event says where nothing goes out by it; every other word counts as connected."""
POLLED_DOWN: Final = DOWN_STATES | {"initializing"}

_LAST_OF_A_SECOND: Final = timedelta(microseconds=999_999)
_LIFE: Final = frozenset({EvidenceKind.ACK, EvidenceKind.ECHO, EvidenceKind.INBOUND})
_SENT: Final = frozenset({FactKind.ANSWERED, FactKind.ECHOED, FactKind.ACKED})


class News(NamedTuple):
    """A channel's state at a moment: `reason` says why it is down, None that it is up; `since` where it was before."""

    channel: str
    reason: str | None
    at: datetime
    since: datetime | None = None

    @property
    def began(self) -> datetime:
        """When it began to be so, as far as is known."""
        return self.since or self.at


def news_in(evidence: Evidence) -> News | None:
    """What a piece of evidence says of its channel; a sign of life of it, by its own time, is as good as an event.

    A state that is told with a whole second may be of any moment in it: it counts as of the last one, so that one which
    ends what was seen in the same second is no old news.
    """
    if evidence.channel is None:
        return None
    if evidence.kind is EvidenceKind.CHANNEL_STATE:
        state = evidence.channel_state or ""
        said_at = evidence.at if evidence.at.microsecond else evidence.at + _LAST_OF_A_SECOND
        return News(evidence.channel, state if state in DOWN_STATES else None, min(said_at, evidence.received_at))
    return News(evidence.channel, None, min(evidence.at, evidence.received_at)) if evidence.kind in _LIFE else None


def news_in_fact(fact: DeliveryFact) -> News | None:
    """What a fact of the log says of its channel: how a new owner gets to know what the former one knew."""
    if fact.fact is FactKind.PARKED:
        return None if fact.reason == GATEWAY_DOWN else News(fact.channel, fact.reason or CHANNEL_DOWN, fact.at)
    return News(fact.channel, None, fact.at) if fact.fact in _SENT else None


def news_in_answer(channel: str, answer: Answer, at: datetime) -> News | None:
    """What the answer to a send says of its channel."""
    match answer:
        case Sent():
            return News(channel, None, at)
        case NotSent(reason=reason) if reason == CHANNEL_DOWN:
            return News(channel, reason, at)
        case _:
            return None


class Parking:
    """The newest that is known of each channel, and the commands that are parked; a channel never heard of is up.

    `is_gateway_away` says whether the gateway as a whole is. What fails by that before it is noticed is remembered: it
    is parked then, and due at once when the gateway is back.
    """

    def __init__(self, is_gateway_away: Callable[[], bool]) -> None:
        self._is_gateway_away = is_gateway_away
        self._known: dict[str, News] = {}
        self._found_up: list[str] = []
        self._parked: dict[str, set[CommandKey]] = {}
        self._put_off: dict[CommandKey, bool] = {}
        self._troubled: dict[CommandKey, None] = {}

    def hear(self, news: News) -> bool:
        """Take news, unless newer ones are known; whether the channel went down or came up by them."""
        known = self._known.get(news.channel)
        if known and known.at > news.at:
            return False
        was_up = known is None or known.reason is None
        if known is None and news.reason is None:
            self._found_up.append(news.channel)
        if known and not was_up and news.reason is not None:
            news = news._replace(since=known.began)
        self._known[news.channel] = news
        return was_up is not (news.reason is None)

    def set_back(self, now: datetime) -> None:
        """The clock was set back: what is known was heard now at the latest, so that what is heard next is newer."""
        for channel, news in self._known.items():
            if news.at > now:
                self._known[channel] = news._replace(at=now)

    def down(self, channel: str) -> News | None:
        """Why and since when a channel is down; None where it is up."""
        known = self._known.get(channel)
        return known if known and known.reason is not None else None

    def restore(self, key: CommandKey, delivery: Delivery) -> None:
        """Take a command that a former owner had taken."""
        if delivery.status is Status.PARKED:
            self._parked.setdefault(delivery.channel, set()).add(key)
        elif self.down(delivery.channel):
            self._put_off[key] = False

    def note(self, key: CommandKey, delivery: Delivery, facts: Sequence[DeliveryFact]) -> None:
        """Keep account of a command to which something happened."""
        channel = delivery.channel
        if facts:
            if facts[-1].status is Status.PARKED:
                self._parked.setdefault(channel, set()).add(key)
            elif parked := self._parked.get(channel):
                parked.discard(key)
                if not parked:
                    del self._parked[channel]
            if facts[-1].fact is not FactKind.NOT_SENT:
                self._troubled.pop(key, None)

    def rest(self, key: CommandKey, channel: str) -> None:
        """A command waits for a channel from now on; of a doubt that is to be sent again, no fact says so."""
        self._parked.setdefault(channel, set()).add(key)

    def weighed(self, key: CommandKey, answer: Answer) -> Answer:
        """An answer; as one that does not count where its channel or the gateway is down."""
        if not isinstance(answer, NotSent):
            return answer
        is_gateway = sign_of(answer) is Sign.AWAY
        if answer.reason == CHANNEL_DOWN or (is_gateway and self._is_gateway_away()):
            return Down(answer.attempt, answer.reason, answer.message, answer.http_status)
        if is_gateway:
            self._troubled[key] = None
        return answer

    def happened(self, key: CommandKey, channel: str) -> None:
        """Something other than a start happened to a command: its turn may have come, while its channel is down."""
        if self.down(channel):
            self._put_off.setdefault(key, False)

    def put_off(self, keys: Iterable[CommandKey]) -> None:
        """These are to be parked, where their turn has come."""
        for key in keys:
            self._put_off.setdefault(key, False)

    def put_off_now(self, most: int) -> list[tuple[CommandKey, bool]]:
        """Some of those that are to be parked, each once; `is_behind` says whether there are more.

        With each, whether nothing but the gateway kept it from being sent: it need not wait until it is due.
        """
        if self._troubled and self._is_gateway_away():
            self._put_off |= dict.fromkeys(self._troubled, True)
            self._troubled.clear()
        return [(key, self._put_off.pop(key)) for key in list(itertools.islice(self._put_off, most))]

    @property
    def is_behind(self) -> bool:
        """Whether there is more to park."""
        return bool(self._put_off)

    def reason(self, channel: str) -> str | None:
        """Why what goes out by a channel is to be parked; None where it is not, any more."""
        if news := self.down(channel):
            return news.reason
        return GATEWAY_DOWN if self._is_gateway_away() else None

    def found_up(self) -> list[str]:
        """The channels that turned out to be up when they were first heard of, since this was last asked."""
        found, self._found_up = self._found_up, []
        return found

    def waited_for(self) -> list[News]:
        """The channels that are down while something waits for them."""
        return [news for channel in self._parked if (news := self.down(channel))]
