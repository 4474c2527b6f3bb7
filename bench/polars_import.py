"""Sample logs to the columns of Aliquot's tables with Polars, as a user of it writes it.

    POLARS_MAX_THREADS=2 python polars_import.py FOLDER OUT THREADS

What the documents hold is worked out once a document, not once a row: the tool's digest tells them apart.
Digests of items are Polars' own, of 64 bits.
"""

import concurrent.futures
import hashlib
import pathlib
import sys

import polars

folder, out, threads = sys.argv[1:]
pathlib.Path(out).mkdir(exist_ok=True)
schema = {
    "doc_id": polars.UInt32,
    "target": polars.String,
    "filter": polars.String,
    "filtered_resps": polars.List(polars.List(polars.String)),
    "acc": polars.Float32,
    "acc_norm": polars.Float32,
    "doc_hash": polars.String,
    "prompt_hash": polars.String,
}
choices = polars.List(polars.String)
docs = {
    "arc_challenge": {"id": polars.String, "question": polars.String, "choices": polars.Struct({"text": choices})},
    "mmlu_professional_law": {"question": polars.String, "choices": choices},
}
benchmarks = {"arc_challenge": "arc", "mmlu_professional_law": "mmlu"}
metrics = {"arc_challenge": "acc_norm", "mmlu_professional_law": "acc"}


def digest(path):
    with open(path, "rb") as file:
        return str(path), hashlib.file_digest(file, "sha256").hexdigest()


files = sorted(pathlib.Path(folder).glob("*/samples_*.jsonl"))
with concurrent.futures.ThreadPoolExecutor(int(threads)) as pool:
    digests = polars.DataFrame(list(pool.map(digest, files)), schema=["file", "raw"], orient="row")

likelihoods = polars.col("likelihoods")
largest = likelihoods.list.max()
total = likelihoods.list.eval((polars.element() - polars.element().max()).exp()).list.sum().log()


def samples(task):
    own = [file for file in files if file.name.startswith(f"samples_{task}_")]
    doc = polars.col("doc").struct
    listed = doc.field("choices").struct.field("text") if task == "arc_challenge" else doc.field("choices")
    numbers = polars.col("filtered_resps").list.eval(polars.element().list.first().cast(polars.Float64))
    return polars.scan_ndjson(own, schema={**schema, "doc": polars.Struct(docs[task])}, include_file_paths="file").select(
        polars.lit(task).alias("task"),
        polars.lit(benchmarks[task]).alias("benchmark"),
        polars.lit(metrics[task]).alias("metric"),
        polars.col("file").str.extract(r"([^/]+)/samples_").alias("model"),
        doc.field("question").alias("stem"),
        listed.alias("choices"),
        (doc.field("id") if task == "arc_challenge" else polars.lit(None, dtype=polars.String)).alias("native_id"),
        polars.col(metrics[task]).alias("score"),
        polars.col("target").cast(polars.UInt32),
        numbers.alias("likelihoods"),
        "acc",
        "file",
        "doc_id",
        "filter",
        "doc_hash",
        "prompt_hash",
    )


rows = polars.concat([samples(task) for task in docs]).join(digests.lazy(), on="file").collect()
documents = (
    rows.unique(["task", "doc_hash"])
    .with_columns(polars.col("choices").list.get(polars.col("target")).alias("answer"))
    .with_columns(
        polars.struct("benchmark", polars.col("stem").str.replace_all(r"\s+", " ").str.strip_chars(), "choices", "answer")
        .hash()
        .alias("item_uid")
    )
)


def write(name, table):
    table.write_parquet(f"{out}/{name}.parquet", compression="zstd")


rows = rows.drop("stem", "choices", "native_id").join(documents.select("task", "doc_hash", "item_uid"), on=["task", "doc_hash"])
write(
    "responses",
    rows.select(
        "model",
        "item_uid",
        "metric",
        "filter",
        polars.lit(0).alias("trial"),
        "score",
        (likelihoods.list.get(polars.col("target")) - largest - total).cast(polars.Float32).alias("log_likelihood"),
        "raw",
        polars.col("doc_id").alias("record"),
    ).sort("model", "item_uid"),
)
write("items", documents.select("item_uid", "benchmark", "task", "stem", "choices", polars.col("answer").alias("target")).sort("item_uid"))
write("aliases", documents.select("item_uid", "task", "doc_id", "doc_hash", "native_id").sort("task", "native_id", "item_uid"))
write("prompts", rows.select("item_uid", "task", "prompt_hash").unique().sort("item_uid", "prompt_hash"))
write("runs", rows.group_by("model", "task", "raw").agg(polars.col("acc").mean(), polars.len().alias("items")).sort("model", "task"))
write("models", rows.select("model").unique().sort("model"))
