"""`posto clean`: stop the stack and drop its data."""

import typer


def clean() -> None:
    """Stop the stack and remove its data, logs and secrets; only what the stack itself put into POSTO_LOCAL_DIR.

    - `posto clean && posto up` is a fresh start.
    """
    from infra.settings import load
    from infra.stack.down import clean as drop
    from infra.stack.layout import Layout
    from infra.stack.progress import Progress

    layout = Layout.at(load().posto_local_dir)
    with Progress() as progress:
        drop(layout, progress)
    typer.echo(f"The stack in {layout.root} is gone.")
