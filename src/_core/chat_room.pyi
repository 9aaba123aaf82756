from surgewire._core.connection import Connection

class ChatMember(Connection):
    number: int

class ChatRoom:
    name: str
    count: int
    def __init__(self, name: str) -> None: ...
