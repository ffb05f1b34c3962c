"""The figures of a hub: how far it is behind, what waits for a person, how its channels are."""
