# SPDX-License-Identifier: AGPL-3.0-or-later
"""Draws what python_compare.py measured: time over k for each shape, and over the columns where the data has one size."""
import warnings

COLOURS = {"spiraltorch": "black", "torch": "tab:red", "numpy": "tab:blue", "jax": "tab:green", "faiss": "tab:orange"}


def lines_of(records, along):
    """{(library, role): [(place, milliseconds)]}."""
    lines = {}
    for record in sorted(records, key=lambda record: record[along]):
        for role in record["roles"]:
            lines.setdefault((record["library"], role), []).append((record[along], record["ns"] / 1e6))
    return lines


def panel(axes, records, along, title):
    """A solid line is the plain call; a dotted one the best way, where that is another somewhere."""
    lines = lines_of(records, along)
    for (library, role), points in lines.items():
        if role == "best" and points == lines.get((library, "plain")):
            continue
        axes.plot(*zip(*points), color=COLOURS[library], marker="o", markersize=3,
                  linewidth=2.2 if library == "spiraltorch" else 1.2, linestyle="-" if role == "plain" else ":",
                  label=library if role == "plain" else None)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(along)
    axes.set_ylabel("ms")


def draw(records, folder):
    """Writes python-k.png and python-cols.png into a folder, or says why not."""
    try:
        import matplotlib
    except ImportError as error:
        print(f"{error}: no pictures")
        return
    matplotlib.use("agg")
    with warnings.catch_warnings():
        # Of a second Matplotlib on the path, whose three-dimensional axes nobody needs here.
        warnings.filterwarnings("ignore", message="Unable to import Axes3D")
        from matplotlib import pyplot
    shapes = list(dict.fromkeys((record["rows"], record["cols"]) for record in records if record["group"] == "grid"))
    columns = min(3, len(shapes))
    rows = -(-len(shapes) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(4 * columns, 3.2 * rows), squeeze=False, layout="constrained")
    for axes, shape in zip(grid.flat, shapes):
        panel(axes, [record for record in records if record["group"] == "grid" and (record["rows"], record["cols"]) == shape],
              "k", f"{shape[0]} rows of {shape[1]}")
    for axes in grid.flat[len(shapes):]:
        axes.axis("off")
    grid[0][0].legend(fontsize=8)
    figure.savefig(folder / "python-k.png", dpi=110)
    pyplot.close(figure)
    sweep = [record for record in records if record["group"] == "sweep"]
    figure, axes = pyplot.subplots(figsize=(6.5, 4), layout="constrained")
    panel(axes, sweep, "cols", f"{sweep[0]['rows'] * sweep[0]['cols']} numbers in rows of so many, k {sweep[0]['k']}")
    axes.legend(fontsize=8)
    figure.savefig(folder / "python-cols.png", dpi=110)
    pyplot.close(figure)
