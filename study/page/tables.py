"""The tables and the sentences with figures of the page, as Markdown."""

import math

import measured
from leaderboard import Leaderboard, Model, mean, sign, tau_b
from measured import BINS, SIZES

CHOSEN, RANDOM = "default", "random+mean"


def markdown(heading: list[str], rows: list[list[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def counts(board: Leaderboard) -> dict[str, str]:
    destroyed = len(board.models) - len(board.alive(board.models))
    each = ", ".join(f"{len(board.of(base))} of {base}" for base in board.bases())
    return {
        "models": str(len(board.models)), "each": each, "destroyed": str(destroyed), "items": f"{board.items:,}",
        "guessing": f"{100 * board.guessing:.1f}", "draws": str(measured.DRAWS),
    }


def noise(board: Leaderboard) -> str:
    rows = []
    for base in board.bases():
        shipped = board.named(f"{base}/shipped")
        for label in ["shipped-unbatched", "f16"]:
            other = board.named(f"{base}/{label}")
            gained = sum(a > b for a, b in zip(other.acc, shipped.acc))
            lost = sum(a < b for a, b in zip(other.acc, shipped.acc))
            shares = list(zip(other.probability, shipped.probability))
            moved = [abs(math.log(max(a, 1e-5) / max(b, 1e-5))) for a, b in shares]
            rows.append([
                base, label, f"{100 * (other.accuracy - shipped.accuracy):+.2f}", f"{gained} / {lost}",
                f"{100 * mean([a - b for a, b in shares]):+.2f}", f"{mean(moved):.2f} / {max(moved):.2f}",
            ])
    heading = ["base", "against `shipped`", "accuracy, points", "answers gained / lost", "probability, points",
               "log share of the right choice moved: mean / most"]
    return markdown(heading, rows)


def perplexity_tau(models: list[Model]) -> float:
    return tau_b([-m.perplexity for m in models], [m.accuracy for m in models]) or 0.0


def perplexity_ranks(board: Leaderboard) -> dict[str, float]:
    ranks = {base: perplexity_tau(board.of(base)) for base in board.bases()}
    alive = mean([perplexity_tau(board.alive(board.of(base))) for base in board.bases()])
    own = [measured.perplexity_error(board, base, [m for m in board.of(base) if m.parent]) for base in board.bases()]
    other = [
        measured.perplexity_error(board, base, [m for m in board.models if m.base != base and m.parent])
        for base in board.bases()
    ]
    return {**ranks, "all": mean(list(ranks.values())), "alive": alive, "own": mean(own), "other": mean(other)}


def ranking(ranks: dict, alive: dict, perplexity: dict[str, float], differences: dict[int, float]) -> str:
    rows = []
    for k in SIZES:
        for method in [CHOSEN, RANDOM, "stratified+mean"]:
            tau, error, bias = ranks[method, k]
            rows.append([str(k), f"`{method}`", f"{tau:.2f}", f"{alive[method, k][0]:.2f}", f"{error:.2f}", f"{bias:+.2f}"])
    for k in SIZES:
        rows.append([str(k), "parent's full accuracy + difference on random items", "", "", f"{differences[k]:.2f}", ""])
    rows.append(["-", "perplexity, curve from the other base", f"{perplexity['all']:.2f}", f"{perplexity['alive']:.2f}",
                 f"{perplexity['other']:.2f}", ""])
    rows.append(["-", "perplexity, curve from the base's other variants", f"{perplexity['all']:.2f}",
                 f"{perplexity['alive']:.2f}", f"{perplexity['own']:.2f}", ""])
    heading = ["k", "method", "tau-b, all", "tau-b, without the destroyed", "MAE, points", "bias"]
    return markdown(heading, rows)


def better(name: str, value: float, other_name: str, other: float, tie: float) -> str:
    if abs(value - other) < tie:
        return f"{name} even with {other_name}"
    return f"{name} {'ahead of' if value > other else 'behind'} {other_name}"


def ranking_words(ranks: dict, alive: dict, perplexity: dict[str, float], differences: dict[int, float]) -> str:
    lines = []
    for k in SIZES:
        chosen, chance = ranks[CHOSEN, k], ranks[RANDOM, k]
        order = better("chosen items", chosen[0], "random ones", chance[0], 0.02)
        error = better("chosen items", -chosen[1], "random ones", -chance[1], 0.05)
        best, best_alive = (max(kind[name, k][0] for name in [CHOSEN, RANDOM]) for kind in [ranks, alive])
        against = better("the better of the two", best, "perplexity", perplexity["all"], 0.02)
        near = better("it is", best_alive, "perplexity", perplexity["alive"], 0.02)
        lines.append(
            f"- k = {k}: in rank {order} ({chosen[0]:.2f}, {chance[0]:.2f}), in error {error} ({chosen[1]:.2f}, "
            f"{chance[1]:.2f} points); in rank {against}, and without the destroyed variants {near}."
        )
    known = ", ".join(f"{k}: {better('items', -differences[k], 'perplexity', -perplexity['other'], 0.05)}" for k in SIZES)
    lines.append(f"- In error, with the parent's full accuracy known, random items against perplexity at k = {known}.")
    return "\n".join(lines)


def right_sign(cell: dict[str, float]) -> float:
    return 100 * (cell["sign_right"] + 0.5 * cell["sign_tied"]) / cell["signed"] if cell["signed"] else math.nan


def pairs(cells: dict, base_run: str) -> str:
    rows = []
    for name in [*BINS, "all"]:
        for k in SIZES:
            both = [cells.get((k, base_run, name, selection)) for selection in ["two-sided", "random"]]
            if not all(both):
                continue

            def side(show) -> str:
                return " / ".join(show(cell) for cell in both)

            def share(field: str):
                return lambda cell: f"{100 * cell[field] / cell['pairs']:.0f}"

            wrong = side(lambda c: f"{100 * (c['claims_wrong'] + c['equivalent_wrong']) / c['pairs']:.1f}")
            undecided = side(lambda c: f"{100 * (1 - (c['claims'] + c['equivalent']) / c['pairs']):.0f}")
            rows.append([
                name, f"{both[0]['pairs'] / 40:.0f}", str(k), side(lambda c: f"{right_sign(c):.0f}"), side(share("claims")),
                side(share("equivalent")), undecided, wrong, side(lambda c: f"{100 * c['covered'] / c['pairs']:.0f}"),
                side(lambda c: f"{c['width_pp'] / c['pairs']:.1f}"),
            ])
    heading = ["true difference", "pairs", "k", "right sign", "worse or better", "equivalent", "undecided", "wrong",
               "coverage", "width, points"]
    return markdown(heading, rows)


def pairs_words(cells: dict) -> str:
    def wrong(selection: str) -> str:
        own = [cell for (_, _, name, chosen), cell in cells.items() if name == "all" and chosen == selection]
        number = sum(cell["claims_wrong"] + cell["equivalent_wrong"] for cell in own)
        return f"{number:.0f} of {sum(cell['pairs'] for cell in own):,.0f}"

    each = [
        better("chosen", right_sign(a), "random", right_sign(b), 0.5) + f" at k = {k} ({right_sign(a):.1f}, {right_sign(b):.1f} %)"
        for k in SIZES
        for a, b in [(cells[k, "full", "all", "two-sided"], cells[k, "full", "all", "random"])]
    ]
    return (
        f"At level 0.95 at most 5 % may be wrong. Wrong verdicts: {wrong('two-sided')} comparisons on chosen items, {wrong('random')} on random ones. "
        f"Right sign over all pairs, base's full run known: {'; '.join(each)}."
    )


def perplexity_signs(board: Leaderboard) -> str:
    found = measured.perplexity_signs(board)
    names = [name for name in [*BINS, "all"] if name in found]
    return markdown(
        ["true difference", *names], [["pairs", *(str(len(found[n])) for n in names)],
                                      ["right sign, %", *(f"{100 * mean(found[n]):.0f}" for n in names)]],
    )


def signals(board: Leaderboard, probability_ranks: dict) -> dict[str, str]:
    rows, taus = [], {}
    for k in SIZES:
        each = [measured.signal_ranks(board.alive(board.of(base)), k) for base in board.bases()]
        taus[k] = {name: mean([own[name] for own in each]) for name in each[0]}
        chosen, chance = probability_ranks[CHOSEN, k], probability_ranks[RANDOM, k]
        rows.append([str(k), *(f"{taus[k][name]:.2f}" for name in ["acc acc", "probability probability", "probability acc"]),
                     f"{chosen[0]:.2f} / {chance[0]:.2f}", f"{chosen[1]:.2f} / {chance[1]:.2f}"])
    heading = ["k", "0/1 with full accuracy", "probability with full probability", "probability with full accuracy",
               "probability, all variants: chosen / random, tau-b", "MAE, points"]
    signs, words = signal_signs(board)
    return {"signal_table": markdown(heading, rows), "sign_table": signs, "signal_words": signal_words(board, taus) + words}


def signal_signs(board: Leaderboard) -> tuple[str, str]:
    rows, totals = [], {}
    found = {k: measured.signal_signs(board, k) for k in SIZES}
    for name in BINS:
        for k in SIZES:
            both = [found[k].get((signal, name)) for signal in ["acc", "probability"]]
            if all(both):
                right = " / ".join(f"{100 * mean([r for r, _ in own]):.0f}" for own in both)
                said = " / ".join(f"{100 * mean([float(s > 0) for _, s in own]):.0f}" for own in both)
                wrong = " / ".join(f"{100 * mean([float(s < 0) for _, s in own]):.1f}" for own in both)
                rows.append([name, str(k), right, said, wrong])
    for signal in ["acc", "probability"]:
        every = [cell for k in SIZES for (own, _), cells in found[k].items() if own == signal for cell in cells]
        totals[signal] = (100 * mean([r for r, _ in every]), 100 * mean([float(s < 0) for _, s in every]))
    silent = [[s for _, s in found[k].get((signal, BINS[0]), [])] for k in SIZES for signal in ["acc", "probability"]]
    small = [100 * mean([float(s != 0) for cells in silent[at::2] for s in cells]) for at in (0, 1)]
    serves = better("probability", totals["probability"][0], "0/1", totals["acc"][0], 0.5)
    words = (
        f" Changes below 1 point of accuracy were claimed in {small[0]:.1f} % of the draws by 0/1, in {small[1]:.1f} % by "
        f"probability: such a claim is about probability, not accuracy. In the sign of a change in accuracy {serves}: "
        f"over all differences and sizes 0/1 has the sign of the change in accuracy right in {totals['acc'][0]:.1f} % and "
        f"claims the opposite in {totals['acc'][1]:.1f} %, probability in {totals['probability'][0]:.1f} and "
        f"{totals['probability'][1]:.1f} %."
    )
    return markdown(["true difference in accuracy", "k", "right sign", "found", "claimed the opposite"], rows), words


def signal_words(board: Leaderboard, taus: dict) -> str:
    changed = [(m, board.named(m.parent)) for m in board.models if m.parent]
    drops = [(mean(m.probability) - mean(p.probability), m.accuracy - p.accuracy) for m, p in changed]
    apart = sum(sign(a) * sign(b) < 0 for a, b in drops)
    ratios = sorted(a / b for a, b in drops if b <= -0.02)
    alive = [board.alive(board.of(base)) for base in board.bases()]
    ceiling = [tau_b([mean(m.probability) for m in own], [m.accuracy for m in own]) or 0.0 for own in alive]
    shipped = [board.named(f"{base}/shipped") for base in board.bases()]
    levels = " and ".join(f"{100 * mean(m.probability):.1f} where accuracy is {100 * m.accuracy:.1f} %" for m in shipped)
    each = [
        f"at k = {k} {better('probability', taus[k]['probability acc'], '0/1', taus[k]['acc acc'], 0.02)} "
        f"({taus[k]['probability acc']:.2f}, {taus[k]['acc acc']:.2f})"
        for k in SIZES
    ]
    text = (
        f"In finding the ranking by *accuracy*: {'; '.join(each)}. On all items the ranking by probability has tau-b "
        f"{' and '.join(f'{tau:.2f}' for tau in ceiling)} with that by accuracy ({' and '.join(board.bases())}); more "
        f"items do not lift it above that. Of {len(changed)} variants {apart} changed accuracy and probability in "
        f"opposite directions. Probability is not accuracy: of the bases as distributed it is {levels}"
    )
    if ratios:
        text += (
            f", and of variants that lost 2 points of accuracy or more the loss in probability was {ratios[0]:.2f} to "
            f"{ratios[-1]:.2f} times as large (median {ratios[len(ratios) // 2]:.2f})"
        )
    return text + "."
