"""The collected tables in memory, and plain statistics of them."""

import math
import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

# A variant within this of guessing is destroyed: its rank among its like says nothing.
ABOVE_GUESSING = 0.05


@dataclass
class Model:
    name: str
    base: str
    parent: str | None
    method: str
    bits: float
    perplexity: float
    # One an item, all models in the same order: right or wrong; share of the right choice.
    acc: list[float]
    probability: list[float]

    @property
    def accuracy(self) -> float:
        return mean(self.acc)


@dataclass
class Leaderboard:
    models: list[Model]
    # Accuracy of guessing.
    guessing: float
    items: int

    def bases(self) -> list[str]:
        return sorted({model.base for model in self.models})

    def of(self, base: str) -> list[Model]:
        return [model for model in self.models if model.base == base]

    def alive(self, models: list[Model]) -> list[Model]:
        return [model for model in models if model.accuracy > self.guessing + ABOVE_GUESSING]

    def named(self, name: str) -> Model:
        return next(model for model in self.models if model.name == name)


def read(folder: Path) -> Leaderboard:
    items = pq.read_table(folder / "items.parquet", columns=["item_id", "choices"])
    places = {item: at for at, item in enumerate(items["item_id"].to_pylist())}
    responses = pq.read_table(folder / "responses.parquet", columns=["model", "item_id", "metric", "score"])
    scores: dict[tuple[str, str], list[float]] = {}
    for metric in ["acc", "probability"]:
        rows = responses.filter(pc.equal(responses["metric"], metric)).to_pydict()
        for model, item, score in zip(rows["model"], rows["item_id"], rows["score"]):
            scores.setdefault((model, metric), [math.nan] * len(places))[places[item]] = score
    models = [
        Model(
            row["model"], row["base"], row["parent"], row["method"], row["bits_per_weight"], row["perplexity"],
            scores[row["model"], "acc"], scores[row["model"], "probability"],
        )
        for row in pq.read_table(folder / "models.parquet").to_pylist()
    ]
    guessing = mean([1 / len(choices) for choices in items["choices"].to_pylist()])
    return Leaderboard(models, guessing, len(places))


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def tau_b(x: list[float], y: list[float]) -> float | None:
    """Kendall's tau-b (Kendall 1945); None where either is constant."""
    agree, x_pairs, y_pairs = 0, 0, 0
    for i in range(len(x)):
        for j in range(i):
            a, b = sign(x[i] - x[j]), sign(y[i] - y[j])
            agree, x_pairs, y_pairs = agree + a * b, x_pairs + abs(a), y_pairs + abs(b)
    return agree / math.sqrt(x_pairs * y_pairs) if x_pairs and y_pairs else None


def sign(value: float) -> int:
    return 0 if abs(value) < 1e-9 else (1 if value > 0 else -1)


def draw(items: int, k: int, seed: int) -> list[int]:
    """k random items; `random()` gives the same numbers in every version of Python."""
    generator = random.Random(f"{k}/{seed}")
    return sorted(sorted(range(items), key=lambda _: generator.random())[:k])


def on(scores: list[float], items: list[int]) -> float:
    return mean([scores[item] for item in items])


def isotonic(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Least-squares curve that never rises through points (x, y), by pooling adjacent violators."""
    blocks: list[tuple[list[float], list[float]]] = []
    for x, y in sorted(points):
        blocks.append(([x], [y]))
        while len(blocks) > 1 and mean(blocks[-2][1]) < mean(blocks[-1][1]):
            xs, ys = blocks.pop()
            blocks[-1] = (blocks[-1][0] + xs, blocks[-1][1] + ys)
    return [(x, mean(ys)) for xs, ys in blocks for x in xs]


def at(curve: list[tuple[float, float]], x: float) -> float:
    """Linear between the points of an ascending curve, constant beyond them."""
    if x <= curve[0][0]:
        return curve[0][1]
    for (a, y), (b, z) in zip(curve, curve[1:]):
        if x <= b:
            return y if b == a else y + (z - y) * (x - a) / (b - a)
    return curve[-1][1]
