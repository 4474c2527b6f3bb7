"""Sample logs to responses with DuckDB, as a user of it writes it.

    python duckdb_import.py FOLDER OUT.parquet THREADS
"""

import sys

import duckdb

folder, out, threads = sys.argv[1:]
duckdb.sql(f"SET threads = {int(threads)}")
duckdb.sql("SET preserve_insertion_order = false")
duckdb.sql(f"""
    COPY (
        WITH raw AS (
            FROM read_json('{folder}/*/samples_*.jsonl', format = 'newline_delimited', filename = true, columns = {{
                doc_id: 'UINTEGER', doc_hash: 'VARCHAR', target: 'UTINYINT', filter: 'VARCHAR',
                filtered_resps: 'VARCHAR[][]', acc: 'FLOAT', acc_norm: 'FLOAT'
            }})
        ), scored AS (
            SELECT *, list_transform(filtered_resps, lambda pair: pair[1]::DOUBLE) AS likelihoods FROM raw
        )
        SELECT
            regexp_extract(filename, '([^/]+)/samples_([a-z_]+)_', 1) AS model,
            regexp_extract(filename, '([^/]+)/samples_([a-z_]+)_', 2) AS task,
            doc_id, doc_hash, filter,
            CASE WHEN task = 'arc_challenge' THEN acc_norm ELSE acc END AS score,
            (likelihoods[target + 1] - list_max(likelihoods) - ln(list_sum(list_transform(
                likelihoods, lambda value: exp(value - list_max(likelihoods))))))::FLOAT AS log_likelihood
        FROM scored ORDER BY model, doc_hash
    ) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
""")
