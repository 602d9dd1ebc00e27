"""Standard input and output for front ends that speak lines."""

from peertalk.streams.descriptors import Descriptors
from peertalk.streams.lines import MAX_LINE, Lines

__all__ = ["MAX_LINE", "Descriptors", "Lines"]
