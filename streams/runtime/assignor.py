"""Who gets which partitions: as Faust decides, but never without those of a topic that the leader does not see."""

from typing import Any

from faust.assignor import PartitionAssignor

from streams.runtime.errors import BrokenInvariantError


class WholeAssignor(PartitionAssignor):
    """Gives out all partitions of all topics, or ends the process.

    A broker that has just started may not know all of its topics yet. Faust's assignor passes over what is missing, and
    nobody would work on it before the leader reads its metadata anew, up to five minutes later. The next start waits
    until all topics are there.
    """

    def assign(self, cluster: Any, member_metadata: Any) -> Any:
        """Called by the consumer of the group's leader, in its thread."""
        wanted = {topic for member in member_metadata.values() for topic in member.subscription}
        if missing := sorted(topic for topic in wanted if not cluster.partitions_for_topic(topic)):
            self.app.fatal(
                BrokenInvariantError(f"Kafka does not show the topics {', '.join(missing)} at an assignment")
            )
        return super().assign(cluster, member_metadata)
