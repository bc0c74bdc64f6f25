"""Measurements of wherryd beside dockerd, in one run on one machine."""
