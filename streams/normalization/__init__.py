"""Raw bytes to events: what producers and the gateway send becomes one shape, or says why it cannot."""
