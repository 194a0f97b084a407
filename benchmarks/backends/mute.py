"""A backend that is stuck before it imports bridgekit: nothing of ours runs in it."""

import time

time.sleep(600)
