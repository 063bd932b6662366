"""Rows for tests of the tables."""

TABLES = ("trials", "teachers", "epochs", "bins", "predictions")


def key(number):
    return f"{number:064x}"


def trial(number, **columns):
    names = {"study": "s", "kind": "search", "trial": number, "setting": number, "trial_key": key(number)}
    return {**names, "state": "running", **columns}


def teacher(number, **columns):
    return {"study": "s", "teacher_key": key(number), "seed": number, **columns}


def epoch(number, n, phase="student"):
    names = {"study": "s", "run_key": key(number), "trial": number, "phase": phase}
    return {**names, "epoch": n, "val_error": number + n / 8}


def bins(number, num_bins):
    names = {"trial_key": key(number), "split": "val", "num_bins": num_bins}
    return [{**names, "bin": b, "num_images": b} for b in range(num_bins)]


def predictions(number, n):
    names = {"trial_key": key(number), "split": "test"}
    return [{**names, "image_index": i, "label": i % 3, "logits": [0.5 * i, -1.0, 0.0]} for i in range(n)]


ONE_EACH = {
    "trials": [trial(0)],
    "teachers": [teacher(0)],
    "epochs": [epoch(0, 1)],
    "bins": bins(0, 1),
    "predictions": predictions(0, 1),
}


def put(writer, table, rows):
    """Hand rows to a writer, by the way of their table."""
    if table == "trials":
        writer.put_trials(rows)
    elif table == "teachers":
        writer.put_teachers(rows)
    else:
        writer.append(table, rows)
