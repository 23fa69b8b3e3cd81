"""Reads a file of `sower export -f optuna` through Optuna and compares it with the ledger that it was made from.

    python3 -m venv ~/.cache/sower/optuna && ~/.cache/sower/optuna/bin/pip install optuna
    ~/.cache/sower/optuna/bin/python scripts/reference/optuna_storage.py results/demo [--metric validation_accuracy]

Exit code 0 when every trial's parameters, value, intermediate values, state and attributes are the ledger's, and the file's schema is the
one that this Optuna makes; 1 when something differs; 77 where there is no Optuna.
"""

import argparse
import math
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import optuna
except ImportError:
    sys.exit(77)

CELLS = """
    SELECT arm, pair, replicate, jobs.id, hex(digest), state, settled_attempt,
        EXISTS (SELECT 1 FROM attempts WHERE job = jobs.id AND state = 'running')
    FROM cells JOIN jobs ON jobs.id = cells.job
    WHERE study = (SELECT id FROM studies ORDER BY registration DESC LIMIT 1) AND stage = 'evaluate' ORDER BY position
"""


def schema(path):
    rows = sqlite3.connect(path).execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    plain = lambda sql: re.sub(r"\s+", " ", sql).replace("( ", "(").replace(" )", ")")
    return {(kind, name): plain(sql) for kind, name, sql in rows}


def versions(path):
    database = sqlite3.connect(path)
    return database.execute("SELECT version_num FROM alembic_version").fetchall() + database.execute(
        "SELECT version_info_id, schema_version FROM version_info").fetchall()


def same(a, b):
    return a == b or (a is None and b is None) or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="a study's folder below the results")
    parser.add_argument("--file", help="an export that is there already; the default makes one")
    parser.add_argument("--metric", default="validation_accuracy")
    parser.add_argument("--sower", default=".build/release/sower")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder = Path(arguments.folder)
    problems = []

    def expect(condition, what):
        if not condition:
            problems.append(what)

    with tempfile.TemporaryDirectory() as scratch:
        exported = arguments.file or f"{scratch}/trials.sqlite3"
        if not arguments.file:
            ending = subprocess.run(
                [arguments.sower, "export", folder.name, "--results", str(folder.parent), "-f", "optuna", "-o", exported, "--metric", arguments.metric,
                 "--output-mode", "quiet"])
            if ending.returncode not in (0, 1, 5):
                sys.exit(ending.returncode)
        own = f"{scratch}/own.sqlite3"
        optuna.create_study(storage=f"sqlite:///{own}", study_name="own")
        expect(schema(own) == schema(exported), "the schema is not the one that this Optuna makes")
        expect(versions(own) == versions(exported), f"the versions are {versions(exported)}, expected {versions(own)}")

        storage = f"sqlite:///{exported}"
        names = optuna.get_all_study_names(storage)
        expect(names == [folder.name], f"the file has the studies {names}")
        study = optuna.load_study(study_name=names[0], storage=storage)
        maximizes = arguments.metric.endswith("accuracy")
        expect(study.direction.name == ("MAXIMIZE" if maximizes else "MINIMIZE"), f"direction {study.direction.name}")
        expect(study.metric_names == [arguments.metric], f"metric names {study.metric_names}")

        ledger = sqlite3.connect(f"file:{folder}/ledger.sqlite?mode=ro", uri=True)
        cells = ledger.execute(CELLS).fetchall()
        trials = study.get_trials()
        expect(len(trials) == len(cells), f"{len(trials)} trials for {len(cells)} cells")
        values = 0
        for trial, (arm, pair, replicate, job, digest, state, attempt, is_running) in zip(trials, cells):
            where = f"{arm}/{pair}/{replicate}"
            expect((trial.params["arm"], trial.params["pair"], trial.params["replicate"]) == (arm, pair, replicate), f"{where}: parameters {trial.params}")
            expect(trial.user_attrs["job"] == digest.lower(), f"{where}: job {trial.user_attrs['job']}")
            epochs = dict(ledger.execute(
                f"SELECT epoch, {arguments.metric} FROM epochs WHERE job = ? AND attempt = ?", (job, attempt)).fetchall())
            stored = {epoch: math.nan if value is None else value for epoch, value in epochs.items()}
            expect(trial.intermediate_values.keys() == stored.keys() and all(
                same(trial.intermediate_values[epoch], stored[epoch]) for epoch in stored), f"{where}: intermediate values")
            values += len(stored)
            last = stored[max(stored)] if stored and state == "finished" else None
            wanted = {"finished": "COMPLETE", "diverged": "FAIL", "failed": "FAIL", "open": "RUNNING" if is_running else "WAITING"}[state]
            expect(trial.state.name == wanted, f"{where}: {trial.state.name}, expected {wanted}")
            expect(same(trial.value, last), f"{where}: value {trial.value}, expected {last}")
            expect(trial.state.name != "COMPLETE" or trial.duration is not None, f"{where}: no duration")
        complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
        if complete:
            best = (max if maximizes else min)(trial.value for trial in complete)
            expect(study.best_value == best, f"best value {study.best_value}, expected {best}")

    for problem in problems[:20]:
        print(problem, file=sys.stderr)
    print(f"Optuna {optuna.__version__}: {len(trials)} trials, {values} intermediate values, {len(problems)} differences")
    sys.exit(1 if problems else 0)


main()
