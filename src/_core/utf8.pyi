ACCEPT: int
REJECT: int

def check(data: bytes, state: int = 0) -> int: ...
