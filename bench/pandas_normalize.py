"""The same normalisation as `aliquot run alpaca-eval --until merge`, as a pandas user writes it.

    python pandas_normalize.py MIRROR OUT [PROCESSES]

Reads the compressed annotation files, checks SHA-256, keeps score, item key and provenance, and
writes `responses.parquet` and `items.parquet`, sorted.
"""

import hashlib
import io
import json
import multiprocessing
import pathlib
import sys

import pandas
import zstandard


def item_uid(row):
    stem = " ".join(row["instruction"].split())
    content = {"benchmark": "alpaca_eval", "config": row["generator_1"], "split": "eval", "stem": stem}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def shard(path):
    with open(path, "rb") as file:
        raw = zstandard.ZstdDecompressor().stream_reader(file).read()
    digest = hashlib.sha256(raw).hexdigest()
    table = pandas.DataFrame(json.load(io.BytesIO(raw)))
    score = table["preference"].where(table["preference"] != 0, 1.5) - 1
    assert score.dropna().between(0, 1).all(), path
    table["item_uid"] = table.apply(item_uid, axis=1)
    responses = pandas.DataFrame(
        {
            "model": path.parent.parent.name,
            "item_uid": table["item_uid"],
            "metric": table["annotator"],
            "score": score.astype("float32"),
            "raw": digest,
            "record": range(len(table)),
        }
    )
    items = table[["item_uid", "dataset", "instruction"]].drop_duplicates("item_uid")
    return len(raw), responses, items


if __name__ == "__main__":
    mirror, out = map(pathlib.Path, sys.argv[1:3])
    processes = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    out.mkdir(parents=True, exist_ok=True)
    paths = sorted(mirror.rglob("annotations.json.zst"))
    with multiprocessing.Pool(processes) as pool:
        sizes, responses, items = zip(*pool.map(shard, paths, chunksize=1))
    responses = pandas.concat(responses).sort_values(["model", "item_uid", "metric"])
    responses.to_parquet(out / "responses.parquet", compression="zstd", index=False)
    items = pandas.concat(items).drop_duplicates("item_uid").sort_values("item_uid")
    items.to_parquet(out / "items.parquet", compression="zstd", index=False)
    print(sum(sizes))
