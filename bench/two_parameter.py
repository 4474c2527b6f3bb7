"""The 2PL, ours and py-irt (Lalor and Rodriguez), on the same cells.

    python two_parameter.py PROGRAM DATA [EPOCHS [PRIORS]]

All benchmarks of openllm_v2 as one matrix; a random tenth of the cells is held out. py-irt runs on the
CPU with its own defaults (learning rate 0.1, 2,000 epochs), with each of its priors; its default is
`vague`. Figures on the way show when more epochs stop to help. Its time is that of `train` alone.
"""

import itertools
import pathlib
import statistics
import sys
import tempfile
import time

import numpy
import pandas
import torch
from py_irt.config import IrtConfig
from py_irt.dataset import Dataset
from py_irt.models.two_param_logistic import TwoParamLog
from py_irt.training import IrtModelTrainer

from turns import figures

program, data = sys.argv[1], pathlib.Path(sys.argv[2])
last = int(sys.argv[3]) if sys.argv[3:] else 2000
PRIORS = sys.argv[4].split(",") if sys.argv[4:] else ["vague", "hierarchical"]
STOPS = (25, 50, 100, 150, 200, 300, 500, 750, 1000, 1500)
ROUNDS = 5


def cells():
    """Training and held-out matrices of models x items, NaN where there is no cell."""
    responses = pandas.read_parquet(data / "openllm_v2" / "responses.parquet")
    scores = responses.pivot(index="model", columns="item_id", values="score").to_numpy("float32")
    held_out = numpy.random.default_rng(1).random(scores.shape) < 0.1
    return numpy.where(held_out, numpy.nan, scores), numpy.where(held_out, scores, numpy.nan)


def log_likelihood(parameters, held_out):
    """Mean over the held-out cells, at the posterior means of abilities and items."""
    ability, difficulty, slope = (numpy.array(parameters[name]) for name in ("ability", "diff", "disc"))
    right = 1 / (1 + numpy.exp(-slope * (ability[:, None] - difficulty)))
    right = numpy.clip(right, 1e-12, 1 - 1e-12)
    return float(numpy.nanmean(held_out * numpy.log(right) + (1 - held_out) * numpy.log(1 - right)))


def dataset(training):
    """py-irt's data set, built without its readers."""
    models, items = (range(length) for length in training.shape)
    rows, columns = numpy.nonzero(~numpy.isnan(training))
    return Dataset.model_construct(
        item_ids={str(item) for item in items},
        subject_ids={str(model) for model in models},
        item_id_to_ix={str(item): item for item in items},
        ix_to_item_id={item: str(item) for item in items},
        subject_id_to_ix={str(model): model for model in models},
        ix_to_subject_id={model: str(model) for model in models},
        observation_subjects=rows.tolist(),
        observation_items=columns.tolist(),
        observations=training[rows, columns].tolist(),
        training_example=[True] * len(rows),
        anchor_items=None,
    )


def watched(note):
    """py-irt's 2PL, which hands its parameters to `note` after some of the epochs."""

    class Watched(TwoParamLog):
        def get_model(self):
            model, calls = super().get_model(), itertools.count()

            def step(*arguments):
                epochs = next(calls) - 1  # The first call only makes the parameters.
                if epochs in STOPS and epochs < last:
                    note(epochs, self.export())
                return model(*arguments)

            return step

    return Watched


def py_irt(training, priors, note):
    torch.manual_seed(1)
    start = time.perf_counter()
    reached = lambda epochs, parameters: note(epochs, time.perf_counter() - start, parameters)
    config = IrtConfig(model_type=watched(reached), priors=priors, epochs=last)
    trainer = IrtModelTrainer(data_path=None, config=config, dataset=dataset(training), verbose=False)
    start = time.perf_counter()
    trainer.train(device="cpu")
    reached(last, trainer.last_params)


training, held_out = cells()
counts = [int((~numpy.isnan(part)).sum()) for part in (training, held_out)]
print(f"2PL, {training.shape[0]} models x {training.shape[1]} items, {counts[0]} cells, {counts[1]} held out")
with tempfile.TemporaryDirectory() as folder:
    files = [f"{folder}/training.npy", f"{folder}/held_out.npy"]
    for file, part in zip(files, (training, held_out)):
        numpy.save(file, part.astype("<f4"))
    runs = [figures(program, *files) for _ in range(ROUNDS)]
ours = statistics.median(run["seconds"] for run in runs)
print(f"{'aliquot':40} {ours:8.3f} s  held-out log-likelihood {runs[0]['log_likelihood']:.4f} a cell", flush=True)
for priors in PRIORS:

    def note(epochs, seconds, parameters):
        likelihood = log_likelihood(parameters, held_out)
        name = f"py-irt, {priors} priors, {epochs} epochs"
        print(
            f"{name:40} {seconds:8.1f} s  held-out log-likelihood {likelihood:.4f} a cell"
            f"  ratio {seconds / ours:.0f}",
            flush=True,
        )

    py_irt(training, priors, note)
