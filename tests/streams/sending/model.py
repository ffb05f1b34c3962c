"""The sender said another way: messages with attempts and flags. No facts, no fold, no table of transitions."""

from datetime import UTC, datetime, timedelta

from schemas.commands import Command, Policy
from schemas.deliveries import AckStatus, OperatorDecision, Status

FAR = datetime.max.replace(tzinfo=UTC)
ENDS = ("open", "doubt", "not_sent", "given_up", "refused", "sent")  # the later, the surer
MAY = {"sent": "uncertain failed cancelled", "not_sent": "uncertain sent"}
MAY |= {"resend": "uncertain retrying failed cancelled", "cancel": "queued attempting retrying parked uncertain"}


class Attempt:
    def __init__(self, began: datetime) -> None:
        self.began, self.ended, self.end = began, FAR, "open"
        self.message, self.retry_at = "", began

    def learn(self, end: str, at: datetime) -> None:
        if ENDS.index(end) > ENDS.index(self.end) and (end, self.end) != ("given_up", "not_sent"):
            self.end, self.ended = end, at

    def may_be_shown(self, at: datetime) -> bool:
        is_late = self.end != "open" and at > self.ended + timedelta(seconds=90)
        is_early = at < self.began.replace(microsecond=0) - timedelta(seconds=2)
        return not (is_late or is_early or self.message) and self.end in ("open", "doubt", "sent")


class Message:
    def __init__(self, command: Command) -> None:
        self.command, self.attempts, self.acks = command, list[Attempt](), set[AckStatus]()
        self.is_expired, self.is_parked = False, False
        self.word, self.said_at, self.resent = "", FAR, -1  # `resent`: the attempts before the last resend

    def facts(self) -> tuple[bool, str, list[Attempt], bool]:
        is_proved = bool(self.acks) or any(each.message or each.end == "sent" for each in self.attempts)
        doubts = [each for each in self.attempts if each.end == "doubt"]
        stands = self.word == "sent" or all(each.ended <= self.said_at for each in doubts)
        return is_proved, self.attempts[-1].end if self.attempts else "", doubts, stands

    @property
    def is_resent(self) -> bool:
        return self.word == "resend" and self.facts()[3] and self.resent == len(self.attempts) and not self.is_expired

    @property
    def status(self) -> Status:
        is_proved, last, doubts, stands = self.facts()
        for ack in (AckStatus.PLAYED, AckStatus.READ, AckStatus.DELIVERED, AckStatus.FAILED):
            if ack in self.acks:
                return Status(ack)
        if is_proved or last == "open":
            return Status.SENT if is_proved else Status.ATTEMPTING
        if stands and self.word in ("sent", "not_sent", "cancel"):
            return {"sent": Status.SENT, "not_sent": Status.FAILED, "cancel": Status.CANCELLED}[self.word]
        failed = any(each.end in ("refused", "given_up") for each in self.attempts[max(self.resent, 0) :])
        if not self.is_resent and (failed or self.is_expired or last == "doubt"):
            return Status.UNCERTAIN if doubts else Status.FAILED if failed else Status.EXPIRED
        waits = Status.RETRYING if self.is_resent or last == "not_sent" else Status.QUEUED
        return Status.PARKED if self.is_parked else waits

    def is_due(self, now: datetime) -> bool:
        _, _, doubts, _ = self.facts()
        if self.status is Status.UNCERTAIN and self.command.policy is Policy.AT_LEAST_ONCE and self.word != "cancel":
            return (
                doubts == self.attempts[-1:]
                and len(self.attempts) < 4
                and now >= doubts[0].ended + timedelta(seconds=120)
            )
        is_waiting = self.status is Status.RETRYING and not self.is_resent and self.attempts[-1].retry_at > now
        return self.status in (Status.QUEUED, Status.RETRYING, Status.PARKED) and not is_waiting

    def may_be_decided(self, word: OperatorDecision, seen: int, *, in_time: bool) -> bool:
        if (
            self.facts()[0]
            or (seen != len(self.attempts) and word != "cancel")
            or (word == "sent" and not self.attempts)
        ):
            return False
        return self.status in MAY[word].split() and (word != "resend" or (in_time and not self.is_resent))
