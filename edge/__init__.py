"""The program beside the cameras: source → stream → detector → episode → evidence → outbox → uplink."""

import os

# Our matrices are 3 × 3: OpenBLAS' threads, one a core, only cost memory and start-up (50 ms of 105 for NumPy).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
