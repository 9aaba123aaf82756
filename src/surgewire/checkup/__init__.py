"""The whole of `surgewire doctor`: what is read of this machine, and what is measured."""
