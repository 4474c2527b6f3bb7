"""Sample logs to responses with Polars, as a user of it writes it.

    POLARS_MAX_THREADS=2 python polars_import.py FOLDER OUT.parquet
"""

import pathlib
import sys

import polars

folder, out = sys.argv[1:]
schema = {
    "doc_id": polars.UInt32,
    "doc_hash": polars.String,
    "target": polars.String,
    "filter": polars.String,
    "filtered_resps": polars.List(polars.List(polars.String)),
    "acc": polars.Float32,
    "acc_norm": polars.Float32,
}
files = sorted(pathlib.Path(folder).glob("*/samples_*.jsonl"))
likelihoods = polars.col("likelihoods")
names = polars.col("file").str.extract_groups(r"(?<model>[^/]+)/samples_(?<task>[a-z_]+)_")
gold = likelihoods.list.get(polars.col("target").cast(polars.UInt32))
largest = likelihoods.list.max()
total = likelihoods.list.eval((polars.element() - polars.element().max()).exp()).list.sum().log()
(
    polars.scan_ndjson(files, schema=schema, include_file_paths="file")
    .with_columns(
        names.alias("names"),
        polars.col("filtered_resps")
        .list.eval(polars.element().list.first().cast(polars.Float64))
        .alias("likelihoods"),
    )
    .unnest("names")
    .select(
        "model",
        "task",
        "doc_id",
        "doc_hash",
        "filter",
        polars.when(polars.col("task") == "arc_challenge").then("acc_norm").otherwise("acc").alias("score"),
        (gold - largest - total).cast(polars.Float32).alias("log_likelihood"),
    )
    .sort("model", "doc_hash")
    .sink_parquet(out, compression="zstd")
)
