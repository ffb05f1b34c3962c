"""The commands of `posto`, one module each; infra/cli.py lists them."""
