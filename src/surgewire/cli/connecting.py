"""The options of all that connects: ``echo``, ``chat`` and ``connect`` take the same ones."""

from surgewire.cli.behaviour_options import BehaviourOptions
from surgewire.cli.closing_options import ClosingOptions
from surgewire.cli.deflate_options import DeflateOptions
from surgewire.cli.request_options import RequestOptions
from surgewire.cli.route_options import RouteOptions
from surgewire.cli.run_options import RunOptions
from surgewire.cli.safety_options import SafetyOptions
from surgewire.cli.socket_options import SocketOptions
from surgewire.cli.timeout_options import TimeoutOptions
from surgewire.cli.tls_options import TlsOptions

CONNECTING = (
    RunOptions,
    TimeoutOptions,
    TlsOptions,
    RequestOptions,
    DeflateOptions,
    RouteOptions,
    SocketOptions,
    ClosingOptions,
    BehaviourOptions,
    SafetyOptions,
)
