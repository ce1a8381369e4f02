"""The peer of NumPy with a framework that prints at every turn."""

import os

import numpy_peer
from numpy_peer import ABOUT, PACKAGES

__all__ = ["ABOUT", "PACKAGES", "SETTINGS", "open"]
SETTINGS = {"quick": numpy_peer.SETTINGS["quick"]}
print("printed on import")


def open(case, settings):
    print("printed on open", flush=True)
    os.write(1, b"written to descriptor 1\n")
    return numpy_peer.open(case, settings)
