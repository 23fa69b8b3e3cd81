"""Dispatch speed of Sower beside Ray, Dask and HyperQueue: jobs that do nothing, on this machine, in turn in one run.

Ray and Dask run a Python function that returns at once; Sower runs a no-op job in its runner process. HyperQueue and Sower also start
/bin/true. All have the same number of slots, and each is measured in processes of its own. Sower alone makes every result durable (its worker's outbox, then a ledger with
synchronous=FULL) before it counts as done; the others keep results in memory. HyperQueue's wheel has its server and worker inside:
its own LocalCluster starts them, and its client asks once a second whether a job is done, so it is given several seconds of work.
Each number is the median of the rounds, with the least and the largest.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time

SOWER = ".build/release/sower"


def sower(kind, jobs, slots):
    with tempfile.TemporaryDirectory(dir=".build") as folder:
        command = [SOWER, "bench", "dispatch", "--kind", kind, "--jobs", str(jobs), "--slots", str(slots)]
        done = subprocess.run(
            command + ["--folder", folder, "--output-mode", "json"], check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(done.stdout)
    assert report["ledger"]["settledJobs"] == jobs and report["ledger"]["synchronous"] == 2, report["ledger"]
    return report["jobsPerSecond"]


class Ray:
    def __init__(self, slots):
        import ray

        ray.init(num_cpus=slots, include_dashboard=False, log_to_driver=False, logging_level="error")
        self.ray = ray
        self.noop = ray.remote(lambda index: index)
        ray.get([self.noop.remote(i) for i in range(200)])

    def rate(self, jobs):
        start = time.perf_counter()
        self.ray.get([self.noop.remote(i) for i in range(jobs)])
        return jobs / (time.perf_counter() - start)

    def close(self):
        self.ray.shutdown()


class Dask:
    def __init__(self, slots):
        from distributed import Client, LocalCluster

        self.cluster = LocalCluster(n_workers=slots, threads_per_worker=1, dashboard_address=None)
        self.client = Client(self.cluster)
        self.rate(200)

    def rate(self, jobs):
        start = time.perf_counter()
        # Not pure: equal arguments would be one task.
        self.client.gather(self.client.map(lambda index: index, range(jobs), pure=False))
        return jobs / (time.perf_counter() - start)

    def close(self):
        self.client.close()
        self.cluster.close()


class HyperQueue:
    def __init__(self, slots):
        from hyperqueue import Job, LocalCluster
        from hyperqueue.cluster import WorkerConfig

        self.Job = Job
        self.cluster = LocalCluster()
        self.cluster.start_worker(WorkerConfig(cores=slots))
        self.client = self.cluster.client()
        self.rate(50)

    def rate(self, jobs):
        job = self.Job()
        for _ in range(jobs):
            job.program(["/bin/true"], stdout=None, stderr=None)
        start = time.perf_counter()
        submitted = self.client.submit(job)
        self.client.wait_for_jobs([submitted], raise_on_error=True)
        return jobs / (time.perf_counter() - start)

    def close(self):
        self.cluster.stop()


SYSTEMS = {"ray": Ray, "dask": Dask, "hyperqueue": HyperQueue}


def measure(name, jobs, slots):
    """The rate of another system, from a process of its own: neither its idle daemons nor its memory weigh on the others."""
    command = [sys.executable, "-B", __file__, "--measure", name, "--jobs", str(jobs), "--slots", str(slots)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return float(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured, in turn")
    parser.add_argument("--slots", type=int, default=2, help="jobs at a time")
    parser.add_argument("--noops", type=int, default=20000, help="no-ops a round of Sower; Ray and Dask get a quarter")
    parser.add_argument("--spawns", type=int, default=3000, help="/bin/true a round")
    parser.add_argument("--measure", choices=SYSTEMS, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        system = SYSTEMS[options.measure](options.slots)
        rate = system.rate(options.jobs)
        system.close()
        print(f"\n{rate}")
        return

    rates = {}
    for number in range(options.rounds):
        print(f"── round {number + 1} of {options.rounds}", file=sys.stderr)
        rates.setdefault("sower noop", []).append(sower("noop", options.noops, options.slots))
        rates.setdefault("ray noop", []).append(measure("ray", options.noops // 4, options.slots))
        rates.setdefault("dask noop", []).append(measure("dask", options.noops // 4, options.slots))
        rates.setdefault("sower /bin/true", []).append(sower("command", options.spawns, options.slots))
        rates.setdefault("hyperqueue /bin/true", []).append(measure("hyperqueue", options.spawns, options.slots))

    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        ours = "sower /bin/true" if name.endswith("/bin/true") else "sower noop"
        ratio = "" if name == ours else f"   Sower: {medians[ours] / medians[name]:.1f} times as many"
        print(f"{name:22} {medians[name]:9.0f} jobs/s ({min(values):.0f} to {max(values):.0f}){ratio}")


if __name__ == "__main__":
    main()
