"""Turns the results of the study into the tables that the recipe `compression` reads.

    collect.py FOLDER OUT

FOLDER holds results/*.json and items.json. Rows are sorted, floats rounded, so the same results
give the same bytes. `pairs-<base>.parquet` holds the variants of one base with their parent, as
`aliquot bench --pairs` reads them: one file a base, so that the other's variants are left to select from.
"""

import json
import math
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Digits that are kept of a log-likelihood: rounding of activations moves it by more.
DIGITS = 3


def normalised(log_likelihoods: list[float]) -> list[float]:
    """Logarithms of the shares of the choices; they sum to one as probabilities."""
    largest = max(log_likelihoods)
    total = math.log(sum(math.exp(value - largest) for value in log_likelihoods)) + largest
    return [min(value - total, 0.0) for value in log_likelihoods]


def first_largest(values: list[float]) -> int:
    return values.index(max(values))


def items_table(items: list[dict]) -> pa.Table:
    def prompt(item: dict) -> str:
        letters = "ABCDE"
        choices = [f"{letters[at]}. {choice}" for at, choice in enumerate(item["choices"])]
        return "\n".join([item["question"], *choices])

    rows = sorted(items, key=lambda item: item["id"])
    return pa.table(
        {
            "item_id": pa.array([item["id"] for item in rows], pa.string()),
            "benchmark": pa.array(["aliquot-short"] * len(rows), pa.string()),
            "task": pa.array([item["task"] for item in rows], pa.string()),
            "level": pa.array([item["level"] for item in rows], pa.int8()),
            "prompt": pa.array([prompt(item) for item in rows], pa.string()),
            "target": pa.array([item["choices"][item["gold"]] for item in rows], pa.string()),
            "question": pa.array([item["question"] for item in rows], pa.string()),
            "choices": pa.array([item["choices"] for item in rows], pa.list_(pa.string())),
            "gold": pa.array([item["gold"] for item in rows], pa.int8()),
        }
    )


def models_table(results: list[dict]) -> pa.Table:
    texts = ["model", "base", "parent", "method", "detail"]
    columns = {name: pa.array([row[name] for row in results], pa.string()) for name in texts}
    # For the splits of `aliquot bench`, and the recipe: a base is a family; controls are not compressed.
    columns["family"] = columns["base"]
    columns["compression"] = pa.array(
        [None if row["method"] == "control" else row["method"] for row in results], pa.string()
    )
    columns["bits_per_weight"] = pa.array([round(row["bits_per_weight"], 4) for row in results])
    columns["size_bytes"] = pa.array([row["size_bytes"] for row in results], pa.int64())
    columns["simulated"] = pa.array([row["simulated"] for row in results], pa.bool_())
    columns["perplexity"] = pa.array([float(f"{row['perplexity']:.6g}") for row in results])
    columns["tokens_per_cpu_second"] = pa.array(
        [round(row["tokens_per_cpu_second"], 1) for row in results]
    )
    return pa.table(columns)


def pairs_table(results: list[dict], base: str) -> pa.Table:
    pairs = [row for row in results if row["base"] == base and row["parent"]]
    return pa.table(
        {
            "quant_model": pa.array([row["model"] for row in pairs], pa.string()),
            "base_model": pa.array([row["parent"] for row in pairs], pa.string()),
        }
    )


def metrics(item: dict, sums: list[float]) -> dict[str, float]:
    """`acc`: the likeliest choice is right; `acc_norm`: the same by byte of its text;
    `probability`: share of the right choice."""
    by_byte = [value / len(text.encode()) for value, text in zip(sums, item["choices"])]
    return {
        "acc": float(first_largest(sums) == item["gold"]),
        "acc_norm": float(first_largest(by_byte) == item["gold"]),
        "probability": round(math.exp(normalised(sums)[item["gold"]]), 5),
    }


def responses_table(results: list[dict], items: dict[str, dict]) -> pa.Table:
    columns: dict[str, list] = {name: [] for name in ["model", "item_id", "metric", "score", "log_likelihood"]}
    for result in results:
        for score in sorted(result["scores"], key=lambda score: score["item"]):
            item, sums = items[score["item"]], score["log_likelihoods"]
            gold = round(normalised(sums)[item["gold"]], DIGITS)
            for metric, value in metrics(item, sums).items():
                row = [result["model"], item["id"], metric, value, gold]
                for column, cell in zip(columns.values(), row):
                    column.append(cell)
    kinds = [pa.string(), pa.string(), pa.string(), pa.float32(), pa.float32()]
    return pa.table({name: pa.array(cells, kind) for (name, cells), kind in zip(columns.items(), kinds)})


def choices_table(results: list[dict]) -> pa.Table:
    rows = [
        (result["model"], score["item"], [round(value, DIGITS) for value in score["log_likelihoods"]], score["tokens"])
        for result in results
        for score in sorted(result["scores"], key=lambda score: score["item"])
    ]
    kinds = [pa.string(), pa.string(), pa.list_(pa.float32()), pa.list_(pa.int8())]
    names = ["model", "item_id", "log_likelihoods", "tokens"]
    return pa.table({name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(zip(names, kinds))})


def checked(path: Path, sha256: str | None, items: dict[str, dict]) -> dict:
    result = json.loads(path.read_text())
    if sha256 not in (None, result["items_sha256"]) or len(result["scores"]) != len(items):
        sys.exit(f"{path}: measured on other items; delete it and run `make study` again")
    if not all(math.isfinite(value) for score in result["scores"] for value in score["log_likelihoods"]):
        sys.exit(f"{path}: a log-likelihood is not finite; leave this variant out of variants.rs")
    return result


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    items = json.loads((folder / "items.json").read_text())
    by_id = {item["id"]: item for item in items}
    results: list[dict] = []
    for path in sorted((folder / "results").glob("*.json")):
        results.append(checked(path, results[0]["items_sha256"] if results else None, by_id))
    results.sort(key=lambda result: result["model"])
    out.mkdir(parents=True, exist_ok=True)
    tables = {
        "items": items_table(items),
        "models": models_table(results),
        "responses": responses_table(results, by_id),
        "choices": choices_table(results),
    }
    for base in sorted({result["base"] for result in results}):
        tables[f"pairs-{base}"] = pairs_table(results, base)
    for name, table in tables.items():
        path = out / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd", compression_level=19)
        print(f"{path}: {table.num_rows} rows, {path.stat().st_size} bytes")


main()
