"""The gateway simulator: speaks the gateway's HTTP API (field notes §4), with its faults on request."""
