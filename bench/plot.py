#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Draws results of `spiraltorch bench --json`: contenders over k for each shape, and a map of the library over columns and k."""
import argparse
import math
import pathlib
import sys
import warnings

import results

JUMP = 1.5
ABOUT = f"""\
contenders.png has a picture for each shape, type, data and number of threads with peers: time / read limit over k.
map.png shows the library alone where it was swept over columns and k (cases without peers, all of one size): the
ratio in each cell, and a line between neighbours, one step in columns or in k apart, that differ by more than
{JUMP} times for each factor of 2 in that step: there is likely a better plan on one side. Those are listed, too;
--list does that alone.
"""


def sweep_of(cases):
    """{(cols, k): ratio} of the cases that were measured without anyone else; these are of one kind, type, data and threads."""
    alone = {case: results.ratio(records[results.OURS]) for case, records in cases.items()
             if set(records) == {results.OURS} and results.ratio(records[results.OURS]) is not None}
    series = sorted({f"{case.kind} {case.dtype}, data {case.data}, threads {case.threads}" for case in alone})
    if len(series) > 1:
        sys.exit(f"the cases without peers mix {'; '.join(series)}: a map shows one of these; give its files alone")
    sweep = {}
    for case, ratio in alone.items():
        if (case.cols, case.k) in sweep:
            sys.exit(f"cols {case.cols} k {case.k} is there with several numbers of rows; give the files of one size alone")
        sweep[case.cols, case.k] = ratio
    return sweep


def limit_of(place, other):
    """How much neighbours may differ: a step of a factor of 4 is two of 2."""
    return JUMP ** abs(math.log2(place[0] / other[0]) + math.log2(place[1] / other[1]))


def jumps_of(sweep):
    """[(factor, the dearer (cols, k), the cheaper)], largest first, of neighbours that differ by more than their limit."""
    all_cols = sorted({cols for cols, _ in sweep})
    all_k = sorted({k for _, k in sweep})
    found = []
    for (cols, k), here in sweep.items():
        right = [(other, k) for other in all_cols[all_cols.index(cols) + 1:][:1]]
        above = [(cols, other) for other in all_k[all_k.index(k) + 1:][:1]]
        for place in right + above:
            there = sweep.get(place)
            if there is not None and max(here, there) > limit_of((cols, k), place) * min(here, there):
                pair = ((cols, k), place) if here > there else (place, (cols, k))
                found.append((max(here, there) / min(here, there), *pair))
    return sorted(found, reverse=True)


def list_jumps(sweep):
    jumps = jumps_of(sweep)
    print(f"{len(jumps)} pairs of neighbours among {len(sweep)} points differ by more than {JUMP} times for each "
          "factor of 2 between them")
    for factor, dear, cheap in jumps:
        print(f"{factor:5.2f}  cols {dear[0]} k {dear[1]}: {sweep[dear]:.2f}   cols {cheap[0]} k {cheap[1]}: "
              f"{sweep[cheap]:.2f}")


def draw_map(pyplot, sweep, path):
    all_cols = sorted({cols for cols, _ in sweep})
    all_k = sorted({k for _, k in sweep})
    grid = [[math.log2(sweep[cols, k]) if (cols, k) in sweep else math.nan for cols in all_cols] for k in all_k]
    figure, axes = pyplot.subplots(figsize=(2 + 0.7 * len(all_cols), 2 + 0.45 * len(all_k)), layout="constrained")
    image = axes.imshow(grid, origin="lower", aspect="auto", cmap="viridis_r")
    middle = (image.norm.vmin + image.norm.vmax) / 2
    for (cols, k), ratio in sweep.items():
        x, y = all_cols.index(cols), all_k.index(k)
        axes.text(x, y, f"{ratio:.1f}", ha="center", va="center", fontsize=8,
                  color="white" if math.log2(ratio) > middle else "black")
    for _, one, other in jumps_of(sweep):
        x1, y1 = all_cols.index(one[0]), all_k.index(one[1])
        x2, y2 = all_cols.index(other[0]), all_k.index(other[1])
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        along = 0.5 if x1 == x2 else 0  # the border between two cells
        axes.plot([x - along, x + along], [y - (0.5 - along), y + (0.5 - along)], color="red", linewidth=2.5)
    axes.set_xticks(range(len(all_cols)), all_cols, rotation=45)
    axes.set_yticks(range(len(all_k)), all_k)
    axes.set_xlabel("columns")
    axes.set_ylabel("k")
    axes.set_title(f"time / read limit; red: neighbours differ by more than {JUMP} times for a factor of 2")
    figure.colorbar(image, label="log2 of the ratio")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def panels_of(cases):
    """{title: {impl: [(k, ratio)]}} of the cases with peers; of forced plans only the best of each case is kept."""
    panels = {}
    for case, records in cases.items():
        if not any(map(results.is_peer, records)):
            continue
        title = f"{case.kind} {case.dtype} {case.rows}x{case.cols}\n{case.data}, threads {case.threads}"
        lines = panels.setdefault(title, {})
        shown = {impl: results.ratio(record) for impl, record in records.items() if not results.is_family(impl)}
        shown["best family"] = results.best(records, results.is_family)[1]
        for impl, ratio in shown.items():
            if ratio is not None:
                lines.setdefault(impl, []).append((case.k, ratio))
    return panels


def draw_contenders(pyplot, panels, path):
    columns = min(4, len(panels) + 1)  # one more for the legend
    lines = -(-(len(panels) + 1) // columns)
    figure, grid = pyplot.subplots(lines, columns, figsize=(4 * columns, 3.2 * lines), squeeze=False, layout="constrained")
    names = list(dict.fromkeys(impl for panel in panels.values() for impl in panel))
    colours = pyplot.get_cmap("tab20")
    shown = {}
    for axes, (title, panel) in zip(grid.flat, panels.items()):
        for impl, points in panel.items():
            points.sort()
            own = impl == results.OURS
            shown[impl], = axes.plot(*zip(*points), marker="o", markersize=3, linewidth=2.5 if own else 1, label=impl,
                                     zorder=4 if own else 2, color="black" if own else colours(names.index(impl) % 20))
        axes.axhline(1, color="grey", linestyle=":", linewidth=1)
        axes.set_xscale("log", base=2)
        ks = sorted({k for points in panel.values() for k, _ in points})
        if ks:
            axes.set_xticks(ks, ks)
            axes.set_xlim(ks[0] / 1.5, ks[-1] * 1.5)  # where there is one k alone, too
        axes.set_yscale("log")
        axes.set_title(title, fontsize=9)
    for axes in grid.flat[len(panels):]:
        axes.axis("off")
    figure.supxlabel("k")
    figure.supylabel("time / read limit")
    grid.flat[len(panels)].legend(shown.values(), shown.keys(), loc="upper left", ncols=2, fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=ABOUT,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON of `spiraltorch bench --json`")
    parser.add_argument("--out", default=".", metavar="FOLDER", help="where the pictures go (default: here)")
    parser.add_argument("--list", action="store_true", help="list neighbours that differ, and draw nothing")
    options = parser.parse_args()
    folder = pathlib.Path(options.out)
    if not options.list and not folder.is_dir():
        parser.error(f"--out: {folder} is no folder; make it, or name another")
    cases = results.load(options.files)
    sweep, panels = sweep_of(cases), panels_of(cases)
    if not sweep and not panels:
        sys.exit("the files have no case with a time")
    if sweep:
        list_jumps(sweep)
    if options.list:
        return
    try:
        import matplotlib
    except ImportError as error:
        sys.exit(f"{error}; install matplotlib, or use --list")
    matplotlib.use("agg")
    with warnings.catch_warnings():
        # Of a second Matplotlib on the path, whose three-dimensional axes nobody needs here.
        warnings.filterwarnings("ignore", message="Unable to import Axes3D")
        from matplotlib import pyplot
    for name, content, draw in (("map.png", sweep, draw_map), ("contenders.png", panels, draw_contenders)):
        if content:
            try:
                draw(pyplot, content, folder / name)
            except OSError as error:
                sys.exit(f"--out: {folder / name} cannot be written: {error.strerror}; name another folder")
            print(folder / name)


if __name__ == "__main__":
    main()
