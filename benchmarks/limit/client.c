/* A bare epoll WebSocket client: the least that this job costs on this machine.
 *
 * paced     every connection sends at planned instants on a grid (open model); the latency of a
 *           message counts from its planned instant
 * pingpong  one message in flight on every connection (closed model)
 * connect   only connects, then holds
 * room      paced, against a chat server that sends each message to all members of a room: it reads
 *           what comes and counts it, no more; connection i is in room i * rooms / connections, which
 *           the request names as ?room=
 *
 * Prints one JSON object. Exit code 0 also when connections failed: the counts say so. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "histogram.h"
#include "options.h"
#include "report.h"
#include "wire.h"

#define SECOND_NS INT64_C(1000000000)

enum { EVENTS = 512 };
enum state { IDLE, CONNECTING, HANDSHAKE, OPEN, CLOSING, ENDED };

struct connection {
    int fd;
    enum state state;
    uint32_t sent;
    uint32_t received;
    char *accept;             /* the answer we wait for; only until the upgrade */
    struct buffer in, out;
};

static struct {
    uint32_t attempted, established, failed, broken, open;
    uint64_t sent, delivered, unexpected, skipped, sent_in_warmup;
} totals;

static struct connection *connections;
static struct histogram latency;
static uint8_t scratch[RECEIVE_BYTES];
static uint8_t outgoing[FRAME_HEADER_MAX + PAYLOAD_LIMIT];
static int poll_fd, timer_fd;
static int64_t armed_ns, record_from_ns, stop_ns;
static bool stopping;         /* the ends of connections are wanted now */

static void send_message(struct connection *c, int64_t planned_ns);

/* --- one connection ------------------------------------------------------------------------- */

static void watch(struct connection *c, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poll_fd, operation, c->fd, &event) != 0)
        die("epoll_ctl");
}

static void end_connection(struct connection *c) {
    if (c->state == OPEN || c->state == CLOSING) {
        totals.open--;
        if (!stopping)
            totals.broken++;
    } else {
        totals.failed++;
    }
    close(c->fd);
    free(c->accept);
    c->accept = NULL;
    buffer_clear(&c->in);
    buffer_clear(&c->out);
    c->state = ENDED;
}

/* Sends at once and keeps what the kernel did not take. False when the connection has ended. */
static bool transmit(struct connection *c, const uint8_t *bytes, size_t length) {
    size_t taken = 0;
    if (c->out.length == 0) {
        ssize_t n = send(c->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            end_connection(c);
            return false;
        }
        taken = n > 0 ? (size_t)n : 0;
        if (taken == length)
            return true;
        watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    buffer_append(&c->out, bytes + taken, length - taken);
    return true;
}

static void flush(struct connection *c) {
    if (c->out.length > 0) {
        ssize_t n = send(c->fd, c->out.data, c->out.length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                end_connection(c);
            return;
        }
        c->out.length -= (size_t)n;
        memmove(c->out.data, c->out.data + n, c->out.length);
    }
    if (c->out.length == 0) {
        buffer_clear(&c->out);
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void send_frame(struct connection *c, enum opcode opcode, size_t length) {
    /* The payload already lies in `outgoing` behind room for the longest header. */
    uint32_t key;
    uint8_t header[FRAME_HEADER_MAX];
    random_bytes(&key, sizeof key);
    size_t header_length = frame_header(header, (uint8_t)(0x80 | opcode), length, &key);
    uint8_t *payload = outgoing + FRAME_HEADER_MAX;
    mask_bytes(payload, length, key);
    memcpy(payload - header_length, header, header_length);
    transmit(c, payload - header_length, header_length + length);
}

static void send_message(struct connection *c, int64_t planned_ns) {
    uint8_t *payload = outgoing + FRAME_HEADER_MAX;
    memcpy(payload, "LIMIT", TOKEN_PREFIX);
    put_hex(payload + TOKEN_PREFIX, (uint64_t)(c - connections), 8);
    put_hex(payload + TOKEN_PREFIX + 8, c->sent + 1, 8);
    put_hex(payload + TOKEN_PREFIX + 16, (uint64_t)planned_ns, 16);
    memset(payload + TOKEN_CHARS, '.', options.size - TOKEN_CHARS);
    c->sent++;
    totals.sent++;
    if (planned_ns < record_from_ns)
        totals.sent_in_warmup++;
    send_frame(c, OP_TEXT, options.size);
}

static void on_message(struct connection *c, const struct frame *frame, int64_t arrival_ns) {
    const uint8_t *token = memmem(frame->payload, frame->length, "LIMIT", TOKEN_PREFIX);
    uint64_t sender, sequence, planned;
    if (token == NULL || (size_t)(frame->payload + frame->length - token) < TOKEN_CHARS ||
        !get_hex(token + TOKEN_PREFIX, 8, &sender) ||
        !get_hex(token + TOKEN_PREFIX + 8, 8, &sequence) ||
        !get_hex(token + TOKEN_PREFIX + 16, 16, &planned) ||
        sender != (uint64_t)(c - connections) || sequence != (uint64_t)c->received + 1) {
        totals.unexpected++;
        return;
    }
    c->received++;
    totals.delivered++;
    if ((int64_t)planned >= record_from_ns)
        histogram_record(&latency, arrival_ns - (int64_t)planned);
    if (options.mode == MODE_PINGPONG && arrival_ns < stop_ns)
        send_message(c, now_ns());
}

static void on_frame(struct connection *c, const struct frame *frame, int64_t arrival_ns) {
    if (frame->first == (0x80 | OP_TEXT) && options.mode == MODE_ROOM) {
        totals.delivered++;
    } else if (frame->first == (0x80 | OP_TEXT)) {
        on_message(c, frame, arrival_ns);
    } else if (frame->opcode == OP_PING) {
        memcpy(outgoing + FRAME_HEADER_MAX, frame->payload, frame->length);
        send_frame(c, OP_PONG, frame->length);
    } else if (frame->opcode != OP_PONG) {
        if (frame->opcode != OP_CLOSE)
            totals.unexpected++;
        end_connection(c);
    }
}

/* Checks the answer to the upgrade. Returns the length of its head, 0 for more, -1 when bad. */
static ssize_t check_upgrade(struct connection *c, size_t available) {
    const char *head = (const char *)scratch;
    const char *end = memmem(head, available, "\r\n\r\n", 4);
    if (end == NULL)
        return available > HEAD_LIMIT ? -1 : 0;
    size_t length = (size_t)(end - head) + 4, accept_length = 0;
    const char *accept = head_field(head, length, "Sec-WebSocket-Accept", &accept_length);
    if (length < 14 || memcmp(head, "HTTP/1.1 101 ", 13) != 0 || accept == NULL ||
        accept_length != ACCEPT_CHARS || memcmp(accept, c->accept, ACCEPT_CHARS) != 0)
        return -1;
    free(c->accept);
    c->accept = NULL;
    c->state = OPEN;
    totals.established++;
    totals.open++;
    return (ssize_t)length;
}

static void on_readable(struct connection *c) {
    int64_t arrival_ns = now_ns();
    size_t have = c->in.length;
    if (have > 0)
        memcpy(scratch, c->in.data, have);
    ssize_t n = recv(c->fd, scratch + have, sizeof scratch - have, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            end_connection(c);
        return;
    }
    buffer_clear(&c->in);
    have += (size_t)n;
    size_t at = 0;
    if (c->state == HANDSHAKE) {
        ssize_t head = check_upgrade(c, have);
        if (head < 0) {
            end_connection(c);
            return;
        }
        at = (size_t)head;
    }
    while (c->state == OPEN || c->state == CLOSING) {
        struct frame frame;
        enum parse parsed = frame_parse(scratch + at, have - at, false, &frame);
        if (parsed == PARSE_MORE)
            break;
        if (parsed == PARSE_ERROR) {
            totals.unexpected++;
            end_connection(c);
            return;
        }
        at += frame.total;
        on_frame(c, &frame, arrival_ns);
    }
    if (at < have && c->state != ENDED)
        buffer_append(&c->in, scratch + at, have - at);
}

static void begin_connection(struct connection *c) {
    totals.attempted++;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->state = CONNECTING;
    if (connect(c->fd, (struct sockaddr *)&options.address, sizeof options.address) != 0 && errno != EINPROGRESS) {
        end_connection(c);
        return;
    }
    watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void begin_upgrade(struct connection *c) {
    int problem = 0;
    socklen_t length = sizeof problem;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &problem, &length);
    if (problem != 0) {
        end_connection(c);
        return;
    }
    uint8_t nonce[16];
    char key[KEY_CHARS + 1], request[1024], query[32] = "";
    random_bytes(nonce, sizeof nonce);
    base64(nonce, sizeof nonce, key);
    c->accept = allocate(ACCEPT_CHARS + 1);
    accept_of_key(key, c->accept);
    if (options.mode == MODE_ROOM)
        snprintf(query, sizeof query, "?room=%u",
                 (uint32_t)((uint64_t)(c - connections) * options.rooms / options.connections));
    int size = snprintf(request, sizeof request,
                        "GET %s%s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n",
                        options.path, query, options.host, ntohs(options.address.sin_port), key);
    c->state = HANDSHAKE;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    transmit(c, (uint8_t *)request, (size_t)size);
}

/* --- the loop ------------------------------------------------------------------------------- */

static void arm(int64_t instant_ns) {
    if (instant_ns == armed_ns)
        return;
    /* Setting also clears an expiry that nobody has read. */
    struct itimerspec spec = {.it_value = {instant_ns / SECOND_NS, instant_ns % SECOND_NS}};
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
        die("timerfd_settime");
    armed_ns = instant_ns;
}

static void wait_events(int64_t wake_ns) {
    struct epoll_event events[EVENTS];
    arm(wake_ns);
    int n = epoll_wait(poll_fd, events, EVENTS, -1);
    if (n < 0 && errno != EINTR)
        die("epoll_wait");
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (c == NULL) {
            armed_ns = 0;
            continue;
        }
        if (c->state == CONNECTING) {
            begin_upgrade(c);
            continue;
        }
        if (c->state != ENDED && (events[i].events & EPOLLOUT))
            flush(c);
        if (c->state != ENDED && (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
            on_readable(c);
    }
}

/* The instant of number `index` of a constant schedule, rounded down to the grid. */
static int64_t planned_instant(int64_t start_ns, uint64_t index, double per_s) {
    int64_t after = (int64_t)((double)index * (1e9 / per_s));
    return start_ns + after - after % options.tick_ns;
}

static void connect_all(void) {
    int64_t start_ns = now_ns() + options.tick_ns;
    uint32_t total = options.connections;
    int64_t last_ns = planned_instant(start_ns, total, options.connect_rate);
    int64_t deadline_ns = last_ns + (int64_t)(options.connect_timeout * 1e9);
    while (totals.established + totals.failed < total) {
        int64_t now = now_ns(), next = deadline_ns;
        if (now >= deadline_ns)
            break;
        while (totals.attempted < total &&
               (next = planned_instant(start_ns, totals.attempted, options.connect_rate)) <= now)
            begin_connection(&connections[totals.attempted]);
        if (totals.established + totals.failed < total)
            wait_events(totals.attempted < total ? next : deadline_ns);
    }
    for (uint32_t i = 0; i < total; i++)
        if (connections[i].state == CONNECTING || connections[i].state == HANDSHAKE)
            end_connection(&connections[i]);
}

static void send_paced(int64_t start_ns) {
    double per_s = options.rate * options.connections;
    uint64_t index = 0, stride = options.mode == MODE_ROOM ? options.connections / options.rooms : 1;
    int64_t next = start_ns;
    for (;;) {
        int64_t now = now_ns();
        for (; next <= now && next < stop_ns; next = planned_instant(start_ns, ++index, per_s)) {
            /* One room after the other, so that no room speaks at once. */
            uint64_t turn = index % options.connections, rooms = options.connections / stride;
            struct connection *c = &connections[turn % rooms * stride + turn / rooms];
            if (c->state == OPEN)
                send_message(c, next);
            else
                totals.skipped++;
        }
        if (now >= stop_ns)
            return;
        wait_events(next < stop_ns ? next : stop_ns);
    }
}

static void send_pingpong(void) {
    for (uint32_t i = 0; i < options.connections; i++)
        if (connections[i].state == OPEN)
            send_message(&connections[i], now_ns());
    while (now_ns() < stop_ns)
        wait_events(stop_ns);
}

static void run_messages(void) {
    int64_t start_ns = now_ns() + options.tick_ns;
    record_from_ns = start_ns + (int64_t)(options.warmup * 1e9);
    stop_ns = record_from_ns + (int64_t)(options.seconds * 1e9);
    if (options.mode == MODE_PINGPONG)
        send_pingpong();
    else
        send_paced(start_ns);
    uint64_t receivers = options.mode == MODE_ROOM ? options.connections / options.rooms : 1;
    int64_t deadline_ns = now_ns() + (int64_t)(options.drain * 1e9);
    while (totals.delivered < totals.sent * receivers && totals.open > 0 && now_ns() < deadline_ns)
        wait_events(deadline_ns);
}

static void close_all(void) {
    stopping = true;
    for (uint32_t i = 0; i < options.connections; i++) {
        struct connection *c = &connections[i];
        if (c->state != OPEN)
            continue;
        c->state = CLOSING;
        memcpy(outgoing + FRAME_HEADER_MAX, "\x03\xe8", 2); /* 1000, normal closure */
        send_frame(c, OP_CLOSE, 2);
    }
    int64_t deadline_ns = now_ns() + 2 * SECOND_NS;
    while (totals.open > 0 && now_ns() < deadline_ns)
        wait_events(deadline_ns);
    for (uint32_t i = 0; i < options.connections; i++)
        if (connections[i].state == CLOSING)
            end_connection(&connections[i]);
}

int main(int argc, char **argv) {
    options_parse(argc, argv);
    connections = allocate(options.connections * sizeof *connections);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event timer_event = {.events = EPOLLIN, .data.ptr = NULL};
    if (poll_fd < 0 || timer_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &timer_event))
        die("epoll and timerfd");

    long rss_before = resident_bytes();
    struct phase begin = mark();
    connect_all();
    struct phase connected = mark();
    long rss_connected = resident_bytes();
    uint32_t established = totals.established;
    int64_t hold_until_ns = now_ns() + (int64_t)(options.hold * 1e9);
    while (options.hold > 0 && now_ns() < hold_until_ns)
        wait_events(hold_until_ns);
    struct phase ready = mark();
    if (options.mode != MODE_CONNECT)
        run_messages();
    struct phase done = mark();
    long rss_end = resident_bytes();
    close_all();

    printf("{\"generator\": \"limit\", \"requested\": %u, \"established\": %u, \"failed\": %u, "
           "\"broken\": %u, ", options.connections, established, totals.failed, totals.broken);
    printf("\"sent\": %llu, \"sent_in_warmup\": %llu, \"delivered\": %llu, "
           "\"unexpected\": %llu, \"skipped\": %llu, ",
           (unsigned long long)totals.sent, (unsigned long long)totals.sent_in_warmup,
           (unsigned long long)totals.delivered, (unsigned long long)totals.unexpected,
           (unsigned long long)totals.skipped);
    print_phase("connect", begin, connected);
    print_phase("messages", ready, done);
    printf("\"rss_bytes\": {\"before\": %ld, \"connected\": %ld, \"end\": %ld}, ", rss_before,
           rss_connected, rss_end);
    print_latency(&latency);
    free(connections);
    return 0;
}
