"""Sample logs to the columns of Aliquot's tables with DuckDB, as a user of it writes it.

    python duckdb_import.py FOLDER OUT THREADS

What the documents hold is worked out once a document, not once a row: the tool's digest tells them apart.
"""

import concurrent.futures
import hashlib
import pathlib
import sys

import duckdb

folder, out, threads = sys.argv[1:]
pathlib.Path(out).mkdir(exist_ok=True)


def digest(path):
    with open(path, "rb") as file:
        return str(path), hashlib.file_digest(file, "sha256").hexdigest()


with concurrent.futures.ThreadPoolExecutor(int(threads)) as pool:
    digests = list(pool.map(digest, pathlib.Path(folder).glob("*/samples_*.jsonl")))


def write(name, query):
    duckdb.sql(f"COPY ({query}) TO '{out}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")


duckdb.sql(f"SET threads = {int(threads)}")
duckdb.sql("SET preserve_insertion_order = false")
duckdb.sql("CREATE TEMP TABLE files (filename VARCHAR, raw VARCHAR)")
for start in range(0, len(digests), 1000):
    values = ", ".join(f"('{path}', '{raw}')" for path, raw in digests[start : start + 1000])
    duckdb.sql(f"INSERT INTO files VALUES {values}")
duckdb.sql(f"""
    CREATE TEMP TABLE samples AS
    SELECT * EXCLUDE (filename, filtered_resps),
        regexp_extract(filename, '([^/]+)/samples_([a-z_]+)_', 1) AS model,
        regexp_extract(filename, '([^/]+)/samples_([a-z_]+)_', 2) AS task,
        list_transform(filtered_resps, lambda pair: pair[1]::DOUBLE) AS likelihoods
    FROM read_json('{folder}/*/samples_*.jsonl', format = 'newline_delimited', filename = true, columns = {{
        doc_id: 'UINTEGER', doc: 'JSON', target: 'UTINYINT', filter: 'VARCHAR', filtered_resps: 'VARCHAR[][]',
        acc: 'FLOAT', acc_norm: 'FLOAT', doc_hash: 'VARCHAR', prompt_hash: 'VARCHAR'
    }}) JOIN files USING (filename)
""")
duckdb.sql("""
    CREATE TEMP TABLE documents AS
    SELECT *, sha256(concat_ws(chr(0), benchmark, trim(regexp_replace(stem, '\\s+', ' ', 'g')), choices, target)) AS item_uid
    FROM (
        SELECT task, doc_id, doc_hash,
            CASE WHEN task LIKE 'mmlu%' THEN 'mmlu' ELSE 'arc' END AS benchmark,
            doc->>'question' AS stem,
            coalesce(doc->'$.choices.text', doc->'choices') AS choices,
            choices->>target::INTEGER AS target,
            doc->>'id' AS native_id
        FROM (SELECT DISTINCT ON (task, doc_hash) * FROM samples)
    )
""")
write("responses", """
    SELECT model, item_uid, CASE WHEN task = 'arc_challenge' THEN 'acc_norm' ELSE 'acc' END AS metric, filter, 0 AS trial,
        CASE WHEN task = 'arc_challenge' THEN acc_norm ELSE acc END AS score,
        (likelihoods[samples.target + 1] - list_max(likelihoods) - ln(list_sum(list_transform(
            likelihoods, lambda value: exp(value - list_max(likelihoods))))))::FLOAT AS log_likelihood,
        raw, samples.doc_id AS record
    FROM samples JOIN documents USING (task, doc_hash) ORDER BY model, item_uid
""")
write("items", "SELECT item_uid, benchmark, task, stem, choices, target FROM documents ORDER BY item_uid")
write("aliases", "SELECT item_uid, task, doc_id, doc_hash, native_id FROM documents ORDER BY task, native_id, item_uid")
write("prompts", """
    SELECT DISTINCT item_uid, task, prompt_hash FROM samples JOIN documents USING (task, doc_hash) ORDER BY ALL
""")
write("runs", "SELECT model, task, raw, avg(acc) AS acc, count(*) AS items FROM samples GROUP BY ALL ORDER BY ALL")
write("models", "SELECT DISTINCT model FROM samples ORDER BY model")
