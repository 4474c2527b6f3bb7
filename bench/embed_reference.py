"""Vectors by ONNX Runtime and the tokenizer in Python: what `aliquot-embed` is compared with.

    python embed_reference.py MODELS

MODELS is the folder that `make setup` fills. Writes into pipeline/embed/: check/MODEL.f32, the vectors
of check/texts.json for `--self-check`, and tests/data/, 200 prompts made here with their vectors by
paraphrase-MiniLM-L3-v2: prompts.i16 with long texts truncated, windowed.i16 with the mean of their
windows. An i16 is a value times 32767, so within 1.6e-5 of it.

One text a run, so that no neighbour and no padding is involved.
"""

import json
import pathlib
import random
import sys
import tomllib

import numpy
import onnxruntime
import tokenizers

ROOT = pathlib.Path(__file__).resolve().parents[1]
EMBED = ROOT / "pipeline" / "embed"
WINDOWS = 64  # LongTexts::MAXIMUM_WINDOWS


class Model:
    def __init__(self, models, name):
        self.manifest = tomllib.loads((ROOT / "manifests" / "models" / f"{name}.toml").read_text())
        assert self.manifest["pooling"] == "mean" and self.manifest["normalise"]
        self.tokenizer = tokenizers.Tokenizer.from_file(str(models / name / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.session = onnxruntime.InferenceSession(models / name / "model.onnx", providers=["CPUExecutionProvider"])
        self.inputs = [given.name for given in self.session.get_inputs()]

    def windows(self, text):
        """Ids of all windows; the last one may be short."""
        content = self.manifest["maximum_tokens"] - 2
        first, last = self.tokenizer.encode("").ids
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        parts = [ids[start : start + content] for start in range(0, len(ids), content)] or [[]]
        return [[first, *part, last] for part in parts]

    def pooled(self, ids):
        ids = numpy.array([ids], dtype=numpy.int64)
        given = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        given = {name: given[name] for name in self.inputs}
        (hidden,) = self.session.run([self.manifest["output"]], given)
        return hidden[0].astype(numpy.float64).mean(axis=0)

    def vector(self, windows):
        lengths = [len(window) for window in windows]
        mean = numpy.average([self.pooled(window) for window in windows], axis=0, weights=lengths)
        return mean / numpy.linalg.norm(mean)


def read(path):
    return [entry["text"] * entry["times"] for entry in json.loads(path.read_text())]


SENTENCES = [
    "Which of the following best explains the {} of {}?",
    "Let $f({}) = \\frac{{{}}}{{2}}$ for all real numbers.",
    "Calculate the {} in mol/L when {} g are dissolved.",
    "def {}(values):\n    return [v ** {} for v in values]\n",
    "Erkläre den Unterschied zwischen {} und {} in höchstens zwei Sätzen.",
    "¿Cuál es la relación entre {} y {}? Razone su respuesta.",
    "请解释{}与{}之间的关系，并举一个例子。",
    "{}と{}の違いを説明してください。",
    "Объясните, как {} влияет на {}.",
    "اشرح العلاقة بين {} و {}.",
    "{}와 {}의 차이는 무엇입니까?",
    "SELECT {}, COUNT(*) FROM t WHERE x <> '{}';",
    "e\u0301tude nai\u0308ve {} \u200b{}\u00a0🤖 ﬁne\tend",
    "A. {}\nB. {}\nC. none of these",
]
WORDS = "entropy osmosis momentum inflation photosynthesis liability recursion Æther naïveté 42 3.14 électron 光合成 энергия".split()


def prompts():
    """200 prompts: short, long, very long, empty; many scripts; places that are hard to cut."""
    draw = random.Random(20260101)
    made = [("", 1), (" ", 1), ("\u0000\ufffd", 1), ("[CLS] literal [MASK] tokens [SEP]", 1)]
    made += [("x" * 150, 1), ("ab", 20_000), ("漢字", 3000), ("a\u0085b c\u2028d ", 500), ("1,2;", 5000)]
    made += [("Why is the sky blue? ", 50_000)]  # A megabyte.
    while len(made) < 200:
        count = draw.choice([1, 1, 1, 2, 2, 3, 5, 8, 13, 40])
        sentences = (draw.choice(SENTENCES).format(draw.choice(WORDS), draw.choice(WORDS)) for _ in range(count))
        made.append((" ".join(sentences), draw.choice([1, 1, 1, 1, 1, 1, 1, 9])))
    return [{"text": text, "times": times} for text, times in made]


def write_i16(path, vectors):
    numpy.rint(numpy.array(vectors) * 32767).astype("<i2").tofile(path)


def main(models):
    texts = read(EMBED / "check" / "texts.json")
    for name in ("all-MiniLM-L6-v2-int8", "paraphrase-MiniLM-L3-v2"):
        model = Model(models, name)
        vectors = [model.vector(model.windows(text)[:1]) for text in texts]
        numpy.array(vectors).astype("<f4").tofile(EMBED / "check" / f"{name}.f32")
    data = EMBED / "tests" / "data"
    data.mkdir(parents=True, exist_ok=True)
    path = data / "prompts.json"
    path.write_text(json.dumps(prompts(), ensure_ascii=False, indent=0) + "\n")
    windows = [model.windows(text) for text in read(path)]
    write_i16(data / "prompts.i16", [model.vector(text[:1]) for text in windows])
    write_i16(data / "windowed.i16", [model.vector(text[:WINDOWS]) for text in windows])
    print(f"{len(windows)} prompts, {sum(len(text) > 1 for text in windows)} of them longer than a window")


main(pathlib.Path(sys.argv[1]))
