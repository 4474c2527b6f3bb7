"""Texts a second: ours, ONNX Runtime and the tokenizer in Python, and fastembed, in turns on the CPU.

    python embed.py PROGRAM MODELS DATA [MODEL ...]

All three run the same ONNX Runtime with the same weights, threads and maximum length on prompts of
mmlu_pro. `onnxruntime` sorts by length and runs padded batches of 32, as sentence-transformers does;
`fastembed` keeps the order and its default batch of 256. Loading is not counted. The lines at the end
are our time and largest memory for all prompts.
"""

import json
import pathlib
import random
import statistics
import sys
import tempfile
import time
import tomllib

import fastembed
import numpy
import onnx
import onnxruntime
import pyarrow.parquet
import tokenizers
from fastembed.common.model_description import ModelSource, PoolingType

from turns import figures

PROMPTS, ROUNDS, THREADS, BATCH = 400, 5, 2, 32
MODELS = ["paraphrase-MiniLM-L3-v2", "all-MiniLM-L6-v2-int8"]
MANIFESTS = pathlib.Path(__file__).resolve().parents[1] / "manifests" / "models"


class Runtime:
    """The way of sentence-transformers with its ONNX backend."""

    def __init__(self, folder, manifest):
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(manifest["maximum_tokens"])
        self.tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        self.output = manifest["output"]
        self.inputs = [given.name for given in self.session.get_inputs()]

    def embed(self, texts):
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        vectors = [None] * len(texts)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            encoded = self.tokenizer.encode_batch([texts[row] for row in rows])
            ids = numpy.array([one.ids for one in encoded])
            mask = numpy.array([one.attention_mask for one in encoded])
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
            (hidden,) = self.session.run([self.output], {name: given[name] for name in self.inputs})
            mean = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            for row, vector in zip(rows, mean / numpy.linalg.norm(mean, axis=1, keepdims=True)):
                vectors[row] = vector
        return numpy.array(vectors)


def fast(folder, manifest, place):
    """fastembed on the same files, in the form in which it wants them."""
    model = onnx.load(folder / "model.onnx")
    # It pools the first output.
    model.graph.output.sort(key=lambda output: output.name != manifest["output"])
    onnx.save(model, place / "model.onnx")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["padding"] = tokenizer["truncation"] = None
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    files = {
        "tokenizer": tokenizer,
        "config": {"pad_token_id": 0},
        "tokenizer_config": {"model_max_length": manifest["maximum_tokens"], "pad_token": "[PAD]"},
        "special_tokens_map": special,
    }
    for name, content in files.items():
        (place / f"{name}.json").write_text(json.dumps(content))
    name = f"local/{manifest['name']}"
    fastembed.TextEmbedding.add_custom_model(
        name, PoolingType.MEAN, True, ModelSource(hf=name), manifest["dimension"], model_file="model.onnx"
    )
    return fastembed.TextEmbedding(name, specific_model_path=str(place), threads=THREADS, local_files_only=True)


def timed(work):
    start = time.perf_counter()
    vectors = work()
    return time.perf_counter() - start, numpy.asarray(vectors)


def compare(program, models, name, prompts, place):
    path = MANIFESTS / f"{name}.toml"
    manifest = tomllib.loads(path.read_text())
    texts = random.Random(0).sample(prompts, PROMPTS)
    (place / "texts.json").write_text(json.dumps(texts))
    runtime = Runtime(models / name, manifest)
    other = fast(models / name, manifest, place)
    seconds = {"aliquot": [], "onnxruntime": [], "fastembed": []}
    for _ in range(ROUNDS):
        run = figures(program, path, models, place / "texts.json", THREADS, place / "vectors.f32")
        seconds["aliquot"].append(run["seconds"])
        ours = numpy.fromfile(place / "vectors.f32", "<f4").reshape(PROMPTS, -1)
        for label, work in (("onnxruntime", lambda: runtime.embed(texts)), ("fastembed", lambda: list(other.embed(texts)))):
            taken, theirs = timed(work)
            seconds[label].append(taken)
            print(f"# {label} {taken:.2f} s, ours {run['seconds']:.2f} s, least cosine {(ours * theirs).sum(axis=1).min():.6f}", flush=True)
    print(f"{name}, {PROMPTS} prompts of mmlu_pro, {manifest['maximum_tokens']} tokens, {THREADS} threads, median of {ROUNDS} rounds")
    for label, taken in seconds.items():
        ratio = statistics.median(theirs / ours for theirs, ours in zip(taken, seconds["aliquot"]))
        print(f"{label:12} {PROMPTS / statistics.median(taken):8.1f} texts/s  {ratio:5.2f} times our seconds")


def main():
    program, models, data = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    prompts = pyarrow.parquet.read_table(data / "mmlu_pro" / "items.parquet")["prompt"].to_pylist()
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        for name in sys.argv[4:] or MODELS:
            compare(program, models, name, prompts, place)
        (place / "texts.json").write_text(json.dumps(prompts))
        manifest = MANIFESTS / f"{MODELS[0]}.toml"
        run = figures(program, manifest, models, place / "texts.json", THREADS, place / "vectors.f32")
        print(f"{MODELS[0]}, all {len(prompts)} prompts: {len(prompts) / run['seconds']:.1f} texts/s, peak {run['peak_mib']:.0f} MiB")


main()
