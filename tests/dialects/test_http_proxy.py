import pytest

from surgewire.dialects.http_proxy import ConnectAnswer, connect_request
from surgewire.dialects.upgrade import MAX_HEAD_BYTES, UpgradeError

OK = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"


def test_the_request_asks_for_a_tunnel() -> None:
    assert connect_request("chat.example", 443, "surgewire/1") == (
        b"CONNECT chat.example:443 HTTP/1.1\r\n"
        b"Host: chat.example:443\r\n"
        b"User-Agent: surgewire/1\r\n"
        b"\r\n"
    )
    assert b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n" in connect_request("::1", 80, "x")


def test_user_and_password_go_along() -> None:
    # RFC 7617, section 2, and with UTF-8 section 2.1.
    known = connect_request("h", 1, "x", "Aladdin", "open sesame")
    assert b"\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in known
    known = connect_request("h", 1, "x", "test", "123\u00a3")
    assert b"\r\nProxy-Authorization: Basic dGVzdDoxMjPCow==\r\n" in known


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_an_answer_may_come_in_pieces(size: int) -> None:
    answer = ConnectAnswer()
    pieces = [OK[at : at + size] for at in range(0, len(OK), size)]
    assert [answer.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_any_2xx_will_do() -> None:
    assert ConnectAnswer().feed(b"HTTP/1.0 204 \r\n\r\n")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n", "proxy_auth"),
        (b"HTTP/1.1 403 Forbidden\r\n", "proxy_http_403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n", "proxy_http_502"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n", "proxy_http_302"),
        (b"220 mail.example.com ready", "proxy_invalid"),
        (b"\x05\x00" + b"\x00" * 20, "proxy_invalid"),
        (OK + b"x", "proxy_invalid"),
        (OK[:20] + b"x" * MAX_HEAD_BYTES, "proxy_invalid"),
    ],
)
def test_what_is_no_tunnel(data: bytes, kind: str) -> None:
    with pytest.raises(UpgradeError) as caught:
        ConnectAnswer().feed(data)
    assert caught.value.kind == kind
