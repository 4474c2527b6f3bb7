"""What is measured: by `aliquot bench`, and by plain arithmetic where it has no word for it."""

import json
import math
import subprocess
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leaderboard import Leaderboard, Model, at, draw, isotonic, mean, on, sign, tau_b

SIZES = [50, 100, 200]
DRAWS = 200
# Sizes of a true difference in points, as `aliquot bench --pairs` has them.
BINS = ["0-1", "1-2", "2-5", "5-10", ">10"]
BOUNDS = [1.0, 2.0, 5.0, 10.0, math.inf]


def bench(program: str, folder: Path, options: list[str]) -> list[dict]:
    command = [program, "bench", str(folder), "--json", *options]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def ranking(program: str, folder: Path, metric: str) -> dict[tuple[str, int], tuple[float, float, float]]:
    """(method, k) -> tau-b, error and bias in points, on a base whose variants were not seen."""
    methods = "default,random+mean,stratified+mean"
    sizes = ",".join(map(str, SIZES))
    options = ["--splits", "family", "--metric", metric, "--k", sizes, "--methods", methods, "--seeds", "40"]
    cells: dict[tuple[str, int], list[dict]] = {}
    for record in bench(program, folder, options):
        cells.setdefault((record["method"], record["k"]), []).append(record)

    def average(records: list[dict], name: str) -> float:
        return mean([record[name] for record in records if record[name] is not None])

    return {key: tuple(average(own, name) for name in ["kendall_tau", "mae_pp", "bias_pp"]) for key, own in cells.items()}


def without_destroyed(folder: Path, board: Leaderboard, to: Path) -> None:
    """A copy of what `bench` reads, without the variants that guess."""
    names = [model.name for model in board.alive(board.models)]
    for file in ["responses", "models"]:
        table = pq.read_table(folder / f"{file}.parquet")
        pq.write_table(table.filter(pc.is_in(table["model"], pa.array(names))), to / f"{file}.parquet")
    pq.write_table(pq.read_table(folder / "items.parquet"), to / "items.parquet")


def ranking_without_destroyed(program: str, folder: Path, board: Leaderboard) -> dict:
    with tempfile.TemporaryDirectory() as temporary:
        # `bench` draws by the folder's name.
        copy = Path(temporary) / folder.name
        copy.mkdir()
        without_destroyed(folder, board, copy)
        return ranking(program, copy, "acc")


def perplexity_error(board: Leaderboard, base: str, sources: list[Model]) -> float:
    """Mean error in points of: the parent's accuracy plus a falling curve of log perplexity over the
    parent's, fitted on `sources` of whatever base; a variant is left out of its own fit."""

    def place(model: Model) -> tuple[float, float]:
        parent = board.named(model.parent or model.name)
        return math.log(model.perplexity / parent.perplexity), model.accuracy - parent.accuracy

    errors = []
    for model in board.of(base):
        if model.parent:
            curve = isotonic([place(source) for source in sources if source.name != model.name])
            x, truth = place(model)
            errors.append(100 * abs(at(curve, x) - truth))
    return mean(errors)


def difference_error(board: Leaderboard, k: int) -> float:
    """Mean error in points of the parent's full accuracy plus the difference to it on k random items."""
    errors = []
    for seed in range(DRAWS):
        items = draw(board.items, k, seed)
        for model in board.models:
            if model.parent:
                parent = board.named(model.parent)
                found = on(model.acc, items) - on(parent.acc, items)
                errors.append(100 * abs(found - (model.accuracy - parent.accuracy)))
    return mean(errors)


def pairs(program: str, folder: Path, board: Leaderboard, metric: str) -> dict[tuple, dict[str, float]]:
    """(k, base run, bin, selection) -> sums over both bases, each on items chosen for the other."""
    sums: dict[tuple, dict[str, float]] = {}
    for base in board.bases():
        options = ["--pairs", str(folder / f"pairs-{base}.parquet"), "--metric", metric, "--methods", "default"]
        options += ["--k", ",".join(map(str, SIZES)), "--seeds", "40"]
        for record in bench(program, folder, options):
            for name in [record["true_difference_pp"], "all"]:
                key = (record["k"], record["base_run"], name, record["selection"])
                own = sums.setdefault(key, {})
                for field, value in record.items():
                    if isinstance(value, (int, float)) and field not in ["k", "seed"]:
                        own[field] = own.get(field, 0) + value
    return sums


def size_of(difference: float) -> str:
    return next(name for name, bound in zip(BINS, BOUNDS) if 100 * abs(difference) < bound)


def perplexity_signs(board: Leaderboard) -> dict[str, list[float]]:
    """Bin -> 1 where a perplexity above the parent's went with lower accuracy, 0.5 for ties."""
    found: dict[str, list[float]] = {}
    for model in board.models:
        if model.parent:
            parent = board.named(model.parent)
            truth = model.accuracy - parent.accuracy
            if sign(truth):
                right = 0.5 + 0.5 * sign(truth) * sign(parent.perplexity - model.perplexity)
                for name in [size_of(truth), "all"]:
                    found.setdefault(name, []).append(right)
    return found


def signal_ranks(models: list[Model], k: int) -> dict[str, float]:
    """Mean tau-b over draws of k random items: of each signal with itself on all items, and with accuracy."""
    full = {"acc": [m.accuracy for m in models], "probability": [mean(m.probability) for m in models]}
    kinds = [("acc", "acc"), ("probability", "probability"), ("probability", "acc")]
    taus: dict[str, list[float]] = {f"{signal} {truth}": [] for signal, truth in kinds}
    for seed in range(DRAWS):
        items = draw(len(models[0].acc), k, seed)
        part = {name: [on(getattr(m, name), items) for m in models] for name in full}
        for signal, truth in kinds:
            tau = tau_b(part[signal], full[truth])
            taus[f"{signal} {truth}"].append(0.0 if tau is None else tau)
    return {name: mean(values) for name, values in taus.items()}


def claim(differences: list[float], population: int) -> int:
    """Sign of the mean difference where it is more than 1.96 standard errors from none, else 0; items
    drawn without replacement from `population`."""
    k, centre = len(differences), mean(differences)
    variance = math.fsum((value - centre) ** 2 for value in differences) / (k - 1)
    error = math.sqrt(variance / k * (1 - k / population))
    return sign(centre) if abs(centre) > 1.96 * error else 0


def signal_signs(board: Leaderboard, k: int) -> dict[tuple[str, str], list[tuple[float, int]]]:
    """(signal, bin of the true difference in accuracy) -> one (sign right, claim times true sign) a
    variant and draw of k random items."""
    found: dict[tuple[str, str], list[tuple[float, int]]] = {}
    draws = [draw(board.items, k, seed) for seed in range(DRAWS)]
    for model in board.models:
        if not model.parent:
            continue
        parent = board.named(model.parent)
        truth = model.accuracy - parent.accuracy
        for signal in ["acc", "probability"]:
            a, b = getattr(model, signal), getattr(parent, signal)
            for items in draws:
                own = [a[item] - b[item] for item in items]
                right = 0.5 + 0.5 * sign(mean(own)) * sign(truth)
                # Where there is no true difference every claim is wrong.
                said = claim(own, board.items) * sign(truth) if sign(truth) else -abs(claim(own, board.items))
                found.setdefault((signal, size_of(truth)), []).append((right, said))
    return found
