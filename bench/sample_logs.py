"""A leaderboard of lm-evaluation-harness logs: the same arguments give the same bytes.

    python sample_logs.py FOLDER [MEGABYTES] [FILES]

Half of the files are ARC without worked examples, half MMLU with five; each model has both. Accuracies
are those of the log-likelihoods, digests those of the tool.
"""

import hashlib
import json
import pathlib
import random
import sys

TIME = "2025-05-31T14-30-51.983293"
WORDS = 4000
TASKS = {"arc_challenge": 0, "mmlu_professional_law": 5}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def words(stream, vocabulary, low, high):
    return " ".join(stream.choices(vocabulary, k=stream.randint(low, high)))


def question(task, number, stream, vocabulary):
    """Document, contexts' text, continuations and position of the right one."""
    stem = words(stream, vocabulary, 15, 40).capitalize() + "?"
    choices = [words(stream, vocabulary, 3, 10).capitalize() for _ in range(4)]
    gold = stream.randrange(4)
    if task == "arc_challenge":
        labelled = {"text": choices, "label": list("ABCD")}
        doc = {"id": f"Mercury_{number}", "question": stem, "choices": labelled, "answerKey": "ABCD"[gold]}
        return doc, f"Question: {stem}\nAnswer:", choices, gold
    doc = {"question": stem, "subject": "professional_law", "choices": choices, "answer": gold}
    listed = "\n".join(f"{letter}. {choice}" for letter, choice in zip("ABCD", choices))
    return doc, f"{stem}\n{listed}\nAnswer:", list("ABCD"), gold


def fixed_part(number, made, shots):
    """What is the same for all models: the record's beginning and end, lengths and gold."""
    doc, prompt, texts, gold = made
    context = "\n\n".join([*shots, prompt])
    arguments = {f"gen_args_{i}": {"arg_0": context, "arg_1": f" {text}"} for i, text in enumerate(texts)}
    head = {"doc_id": number, "doc": doc, "target": str(gold), "arguments": arguments}
    tail = {
        "filter": "none",
        "metrics": ["acc", "acc_norm"],
        "doc_hash": digest(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": digest(context),
        "target_hash": digest(str(gold)),
    }
    plain = lambda value: json.dumps(value, ensure_ascii=False)[1:-1]
    return plain(head), plain(tail), [len(text) for text in texts], gold


def task_records(task, size):
    """Fixed parts that come to about `size` bytes."""
    stream = random.Random(task)
    vocabulary = ["".join(stream.choices("abcdefghijklmnopqrstuvwxyz", k=stream.randint(2, 9))) for _ in range(WORDS)]
    letter = lambda made: f"{made[1]} {made[2][made[3]]}"
    shots = [letter(question(task, -i, stream, vocabulary)) for i in range(TASKS[task])]
    records, total = [], 0
    while total < size:
        record = fixed_part(len(records), question(task, len(records), stream, vocabulary), shots)
        records.append(record)
        total += len(record[0]) + len(record[1]) + 300
    return records


def first_largest(values):
    return max(range(len(values)), key=lambda at: (values[at], -at))


def answers(record, ability, stream):
    """A model's line."""
    head, tail, lengths, gold = record
    likelihoods = [-stream.expovariate(0.05) - (0 if at == gold else ability) for at in range(4)]
    accuracy = float(first_largest(likelihoods) == gold)
    by_length = float(first_largest([value / length for value, length in zip(likelihoods, lengths)]) == gold)
    pairs = ", ".join(f'["{value}", "False"]' for value in likelihoods)
    alone = ", ".join(f'[["{value}", "False"]]' for value in likelihoods)
    line = f'{{{head}, "resps": [{alone}], "filtered_resps": [{pairs}], {tail}, "acc": {accuracy}, "acc_norm": {by_length}}}\n'
    return line, accuracy, by_length


def write(folder, megabytes, files):
    records = {task: task_records(task, megabytes * 1e6 / files) for task in TASKS}
    for number in range(files // len(TASKS)):
        run = folder / f"organisation__model-{number:04}"
        run.mkdir(parents=True)
        results = {"results": {}, "n-shot": {}, "higher_is_better": {}, "n-samples": {}, "configs": {}}
        for task, shots in TASKS.items():
            stream = random.Random(f"{task} {number}")
            lines = [answers(record, 40 * stream.random(), stream) for record in records[task]]
            (run / f"samples_{task}_{TIME}.jsonl").write_text("".join(line for line, *_ in lines), encoding="utf-8")
            mean = lambda at: sum(line[at] for line in lines) / len(lines)
            results["results"][task] = {"alias": task, "acc,none": mean(1), "acc_norm,none": mean(2)}
            results["n-shot"][task] = shots
            results["higher_is_better"][task] = {"acc": True, "acc_norm": True}
            results["n-samples"][task] = {"original": len(lines), "effective": len(lines)}
            listed = [{"metric": metric, "aggregation": "mean"} for metric in ("acc", "acc_norm")]
            results["configs"][task] = {"task": task, "num_fewshot": shots, "metric_list": listed}
        results["model_name"] = run.name.replace("__", "/")
        (run / f"results_{TIME}.json").write_text(json.dumps(results))


if __name__ == "__main__":
    folder, *size = sys.argv[1:]
    megabytes, files = map(int, [*size, *(5000, 500)[len(size):]])
    write(pathlib.Path(folder), megabytes, files)
