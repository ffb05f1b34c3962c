"""The example producers, run as a reader would run them."""
