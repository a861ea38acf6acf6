#!/bin/bash
#SBATCH --job-name=relu3
#SBATCH --array=1-10
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=12:00:00
#SBATCH --requeue
set -euo pipefail
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# as many as the array has; not SLURM_ARRAY_TASK_COUNT, which is smaller when only some are submitted again
parts=${PARTS:-10}
sphfield ensemble "${STORE:-$SCRATCH/relu3}" --theory relu:3 --nside "${NSIDE:-512}" --size "${SIZE:-10000}" \
  --part "$SLURM_ARRAY_TASK_ID/$parts"
