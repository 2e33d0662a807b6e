"""Programs that run inside the environment of `make bench-peers`, beside the libraries that we compare with.

They import of ours only `edge.vision`, which needs nothing but numpy, scipy and OpenCV.
"""
