"""`posto down`: stop the stack, keep its data."""

import typer


def down() -> None:
    """Stop every process of the stack and keep its data; harmless where nothing runs.

    - `posto down` also ends what an interrupted `posto up` left.
    - `POSTO_LOCAL_DIR=.local2 posto down` stops the copy that lives there.
    """
    from infra.settings import load
    from infra.stack.down import down as take_down
    from infra.stack.layout import Layout
    from infra.stack.progress import Progress

    layout = Layout.at(load().posto_local_dir)
    with Progress() as progress:
        take_down(layout, progress)
    typer.echo(f"Nothing runs any more; the data stays in {layout.root} (`posto clean` drops it).")
