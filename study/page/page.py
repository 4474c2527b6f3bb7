"""Writes the page docs/compression.md and its plots from the collected tables.

    page.py ALIQUOT FOLDER DOCS

Every figure of the page comes from here: `compression.md` beside this file holds the words.
"""

import string
import sys
from pathlib import Path

import measured
import svg
import tables
from leaderboard import Leaderboard, read

METHODS = ["control", "quantization", "per-tensor", "rounding", "sparsity", "pruned neurons", "pruned heads",
           "dropped layers", "attention cache", "prompt"]


def scatter(board: Leaderboard, x: str, label: str, logarithmic: bool) -> str:
    def panel(base: str) -> svg.Panel:
        own = board.of(base)
        methods = [*METHODS, *sorted({model.method for model in own} - set(METHODS))]
        series = [
            svg.Series(method, [(getattr(m, x), 100 * m.accuracy) for m in own if m.method == method])
            for method in methods
            if any(m.method == method for m in own)
        ]
        ends = [min(getattr(m, x) for m in own), max(getattr(m, x) for m in own)]
        series.append(svg.Series("guessing", [(end, 100 * board.guessing) for end in ends], True, True, False))
        return svg.Panel(base, label, "accuracy in %", series, logarithmic)

    return svg.figure([panel(base) for base in board.bases()])


def ranking_plot(all_ranks: dict, alive_ranks: dict, perplexity: dict[str, float]) -> str:
    def panel(title: str, ranks: dict, flat: float) -> svg.Panel:
        names = {"default": "chosen (default)", "random+mean": "random", "stratified+mean": "stratified"}
        series = [
            svg.Series(shown, [(at, ranks[method, k][0]) for at, k in enumerate(measured.SIZES)], True)
            for method, shown in names.items()
        ]
        series.append(svg.Series("perplexity", [(0, flat), (len(measured.SIZES) - 1, flat)], True, True, False))
        return svg.Panel(title, "items", "tau-b with full accuracy", series, False, [str(k) for k in measured.SIZES])

    return svg.figure([
        panel("all variants", all_ranks, perplexity["all"]),
        panel("without the destroyed", alive_ranks, perplexity["alive"]),
    ])


def pairs_plot(pairs: dict) -> str:
    def panel(title: str, share) -> svg.Panel:
        series = []
        for selection, shown in [("two-sided", "chosen"), ("random", "random")]:
            for style, k in enumerate(measured.SIZES):
                cells = [pairs.get((k, "full", name, selection)) for name in measured.BINS]
                points = [(at, share(cell)) for at, cell in enumerate(cells) if cell and cell["signed"]]
                dashed = selection == "random"
                series.append(svg.Series(f"{shown}, k = {k}", points, True, dashed, style=style))
        return svg.Panel(title, "true difference in points", "% of comparisons", series, False, measured.BINS)

    return svg.figure([
        panel("right sign (ties half)", tables.right_sign),
        panel("verdict worse or better", lambda cell: 100 * cell["claims"] / cell["pairs"]),
    ])


def main() -> None:
    program, folder, docs = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    board = read(folder)
    ranks = measured.ranking(program, folder, "acc")
    alive_ranks = measured.ranking_without_destroyed(program, folder, board)
    probability_ranks = measured.ranking(program, folder, "probability")
    perplexity = tables.perplexity_ranks(board)
    differences = {k: measured.difference_error(board, k) for k in measured.SIZES}
    pairs = measured.pairs(program, folder, board, "acc")
    plots = {
        "bits": scatter(board, "bits", "bits per weight of the base", False),
        "perplexity": scatter(board, "perplexity", "perplexity (logarithmic)", True),
        "ranking": ranking_plot(ranks, alive_ranks, perplexity),
        "pairs": pairs_plot(pairs),
    }
    docs.mkdir(exist_ok=True)
    for name, plot in plots.items():
        (docs / f"compression-{name}.svg").write_text(plot)
    words = {
        **tables.counts(board),
        "noise_table": tables.noise(board),
        "ranking_table": tables.ranking(ranks, alive_ranks, perplexity, differences),
        "ranking_words": tables.ranking_words(ranks, alive_ranks, perplexity, differences),
        "pairs_full": tables.pairs(pairs, "full"),
        "pairs_subset": tables.pairs(pairs, "subset"),
        "pairs_words": tables.pairs_words(pairs),
        "perplexity_signs": tables.perplexity_signs(board),
        **tables.signals(board, probability_ranks),
    }
    template = string.Template((Path(__file__).parent / "compression.md").read_text())
    (docs / "compression.md").write_text(template.substitute(words))


main()
