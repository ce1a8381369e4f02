"""The peer of NumPy with one candidate, which nobody has to try: PEER_FAULT shows in the row itself."""

import numpy_peer
from numpy_peer import ABOUT, PACKAGES, open

__all__ = ["ABOUT", "PACKAGES", "SETTINGS", "open"]
SETTINGS = {"quick": numpy_peer.SETTINGS["quick"]}
