from surgewire._core.chat_traffic import ChatTraffic, ChatUser
from surgewire._core.connect_traffic import ConnectTraffic, ConnectUser
from surgewire._core.connection import Handshake, Owner
from surgewire._core.echo_traffic import EchoTraffic, EchoUser
from surgewire._core.poller import Poller
from surgewire._core.reins import Manners
from surgewire._core.stream import ReceiveBuffer

class AwkwardEchoUser(EchoUser):
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        traffic: EchoTraffic,
        user: int,
        *,
        index: int,
        manners: Manners,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...

class AwkwardChatUser(ChatUser):
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        traffic: ChatTraffic,
        *,
        manners: Manners,
        index: int,
        user: int,
        room: int,
        number: int,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...

class AwkwardConnectUser(ConnectUser):
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        traffic: ConnectTraffic,
        *,
        manners: Manners,
        index: int,
        user: int,
        awaits_greeting: bool = False,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...
