"""A large ensemble on a SLURM cluster: run it where sbatch is; it asks for workers, feeds them, and lets them go.

python slurm.py /path/that/all/nodes/see/relu3 --nside 512 --size 100000 --jobs 100 --partition long
"""

from __future__ import annotations

import argparse

from dask.distributed import Client
from dask_jobqueue import SLURMCluster

import sphfield as sf
from sphfield.ensembles.store import collect

# without it, Dask has freed memory taken away, and every map asks the system for new pages
MALLOC = "MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TOP_PAD_=67108864"


def workers(cores=1, memory_each=2.5, hours=12, partition=None, account=None):
    """Jobs of so many workers, each a process of one thread with so many GB."""
    return SLURMCluster(
        cores=cores,
        processes=cores,
        memory=f"{cores * memory_each:g}GB",
        walltime=f"{hours:02}:00:00",
        queue=partition,
        account=account,
        job_script_prologue=["export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1", f"export {MALLOC}"],
        # a worker that leaves before SLURM ends its job hands its batch to another; one that is ended counts as failed
        worker_extra_args=["--lifetime", f"{60 * hours - 30}m", "--lifetime-stagger", "20m"],
        scheduler_options={"dashboard_address": ":0"},
    )


def run(cluster, path, nside, size):
    """Power spectra of ReLU fields; the same call goes on where one ended, with any number of workers."""
    s = sf.angular_spectrum(sf.NNGP(sf.Network(sf.ReLU(), depth=3)), lmax=3 * nside // 2)
    maps = sf.Ensemble(sf.GaussianField(s, nside), seed=1)
    with Client(cluster) as client:
        return collect(path, maps, {"power": sf.PowerSpectrum(s.lmax)}, size, executor=client.get_executor())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", help="folder of the store")
    parser.add_argument("--nside", type=int, default=512)
    parser.add_argument("--size", type=int, default=10_000, help="realisations")
    parser.add_argument("--jobs", type=int, default=10, help="at most so many at a time")
    parser.add_argument("--cores", type=int, default=1, help="of a job: as many workers")
    parser.add_argument("--memory", type=float, default=2.5, help="GB of a worker, see benchmarks/scaling.py")
    parser.add_argument("--partition")
    parser.add_argument("--account")
    options = parser.parse_args()
    job = {"partition": options.partition, "account": options.account}
    with workers(options.cores, options.memory, **job) as cluster:
        cluster.adapt(minimum_jobs=1, maximum_jobs=options.jobs)  # or cluster.scale(jobs=options.jobs): all at once
        print(run(cluster, options.path, options.nside, options.size))


if __name__ == "__main__":
    main()
