"""The metrics of a run: each is one histogram of nanoseconds, shown in milliseconds."""

# The sum of the phases, from the start of the attempt to the open connection.
CONNECT_TIME = "connect_time"
# Actual minus planned start of an attempt: the generator's own error.
CONNECT_LAG = "connect_lag"
DNS_TIME = "dns_time"
TCP_TIME = "tcp_time"
TLS_TIME = "tls_time"
# Of handshakes that resumed an earlier session; TLS_TIME has the full ones.
TLS_TIME_RESUMED = "tls_time_resumed"
UPGRADE_TIME = "upgrade_time"
# Arrival minus planned instant.
MESSAGE_LATENCY = "message_latency"
# Arrival minus actual send.
SERVICE_TIME = "service_time"
# Actual send minus planned instant: the generator's own error.
SEND_LAG = "send_lag"
# How late the worker's loop came back to a timer.
LOOP_LAG = "loop_lag"
# Our arrival stamp minus the kernel's receive stamp, on sampled connections.
WITNESS_RECEIVE = "witness_receive"
# The kernel's send stamp minus our send stamp, on sampled connections.
WITNESS_SEND = "witness_send"
# From the complete upgrade to the confirmation of the join.
JOIN_TIME = "join_time"
# From being cut off to being joined again.
REJOIN_TIME = "rejoin_time"
# From a ping to its pong.
PING_TIME = "ping_time"
# Of each message, planned instant to arrival at the first, the median and the last subscriber.
FANOUT_FIRST = "fanout_first"
FANOUT_MEDIAN = "fanout_median"
FANOUT_LAST = "fanout_last"
# From the start of an attempt to the last redirect that it followed.
REDIRECT_TIME = "redirect_time"
# From TCP to the proxy to the tunnel that leads to the target.
PROXY_TIME = "proxy_time"
# From the complete upgrade to the first message, where a connect run awaits one.
FIRST_MESSAGE_TIME = "first_message_time"

METRICS: tuple[str, ...] = (
    CONNECT_TIME,
    CONNECT_LAG,
    DNS_TIME,
    TCP_TIME,
    TLS_TIME,
    UPGRADE_TIME,
    MESSAGE_LATENCY,
    SERVICE_TIME,
    SEND_LAG,
    LOOP_LAG,
    WITNESS_RECEIVE,
    WITNESS_SEND,
    JOIN_TIME,
    REJOIN_TIME,
    PING_TIME,
    FANOUT_FIRST,
    FANOUT_MEDIAN,
    FANOUT_LAST,
    REDIRECT_TIME,
    PROXY_TIME,
    FIRST_MESSAGE_TIME,
    TLS_TIME_RESUMED,
)
"""Names in the order of the histograms in shared memory, in the journal and in the result."""
