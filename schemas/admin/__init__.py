"""What crosses the Admin API: one module a resource. Bodies are strict, their texts and numbers bounded."""
