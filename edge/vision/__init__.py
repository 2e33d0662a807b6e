"""Pure functions and small state machines on arrays. No I/O, no settings objects, nothing of ours imported."""

import cv2

# A box runs a thread per camera: OpenCV's own pool would only fight with them.
cv2.setNumThreads(1)
