"""The native core: timing, counting and framing. It imports nothing else of Surgewire."""
