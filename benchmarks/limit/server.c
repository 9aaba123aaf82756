/* A bare epoll WebSocket echo server for one core: the common target of all generators.
 *
 * Answers every data frame with the same frame, ping with pong, close with close. All answers to
 * one read leave in one send; a connection that does not take its answers is not read meanwhile.
 * Prints one line with the port once it listens, and its counters as JSON at SIGTERM or SIGINT. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "counters.h"
#ifdef WITH_TLS
#include "tls.h"
#endif
#include "wire.h"

#ifdef WITH_TLS
#define TLS_USAGE " --certificate FILE --key FILE"
#else
#define TLS_USAGE ""
#endif

enum { EVENTS = 512 };

struct connection {
    int fd;
    uint8_t group;
    bool upgraded, said_close, ended;
    struct connection *next_dead;
    struct buffer in, out;
#ifdef WITH_TLS
    SSL *tls;
#endif
};

static uint64_t (*counters)[COUNTERS];
static uint8_t scratch[RECEIVE_BYTES];
static uint8_t replies[RECEIVE_BYTES];
static int poll_fd, listen_fd, signal_fd;
static struct connection *dead; /* freed after the batch of events that may still name them */

static void count(struct connection *c, enum counter which, uint64_t more) {
    __atomic_store_n(&counters[c->group][which], counters[c->group][which] + more,
                     __ATOMIC_RELAXED);
}

#ifdef WITH_TLS
static ssize_t receive(struct connection *c, void *out, size_t room) {
    return tls_receive(c->tls, out, room);
}

static ssize_t put(struct connection *c, const void *bytes, size_t length) {
    return tls_send(c->tls, bytes, length);
}

static void shut(struct connection *c) {
    SSL_shutdown(c->tls);
    SSL_free(c->tls);
}
#else
static ssize_t receive(struct connection *c, void *out, size_t room) {
    return recv(c->fd, out, room, MSG_DONTWAIT);
}

static ssize_t put(struct connection *c, const void *bytes, size_t length) {
    return send(c->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void shut(struct connection *c) {
    (void)c;
}
#endif

static void watch(int operation, int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(poll_fd, operation, fd, &event) != 0)
        die("epoll_ctl");
}

static void end_connection(struct connection *c) {
    if (c->ended)
        return;
    c->ended = true;
    if (c->upgraded) {
        count(c, COUNTER_OPEN, UINT64_MAX); /* minus one */
        count(c, c->said_close ? COUNTER_ENDED_CLEAN : COUNTER_ENDED_OTHERWISE, 1);
    }
    shut(c);
    close(c->fd);
    buffer_clear(&c->in);
    buffer_clear(&c->out);
    c->next_dead = dead;
    dead = c;
}

static void transmit(struct connection *c, const uint8_t *bytes, size_t length) {
    if (c->out.length > 0) {
        buffer_append(&c->out, bytes, length);
        return;
    }
    ssize_t n = put(c, bytes, length);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        end_connection(c);
        return;
    }
    size_t taken = n > 0 ? (size_t)n : 0;
    if (taken == length)
        return;
    watch(EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
    buffer_append(&c->out, bytes + taken, length - taken);
}

static void flush(struct connection *c) {
    ssize_t n = put(c, c->out.data, c->out.length);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            end_connection(c);
        return;
    }
    c->out.length -= (size_t)n;
    memmove(c->out.data, c->out.data + n, c->out.length);
    if (c->out.length > 0)
        return;
    buffer_clear(&c->out);
    if (c->said_close)
        end_connection(c);
    else
        watch(EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
}

static bool is_upgrade(const char *head, size_t length, const char **key) {
    size_t upgrade_length = 0, key_length = 0;
    const char *upgrade = head_field(head, length, "Upgrade", &upgrade_length);
    *key = head_field(head, length, "Sec-WebSocket-Key", &key_length);
    return length > 4 && memcmp(head, "GET ", 4) == 0 && upgrade != NULL &&
           upgrade_length == 9 && strncasecmp(upgrade, "websocket", 9) == 0 && *key != NULL &&
           key_length == KEY_CHARS;
}

/* Length of the head of the request when it has been answered, 0 for more, -1 when bad. */
static ssize_t answer_upgrade(struct connection *c, size_t available) {
    const char *head = (const char *)scratch, *key;
    const char *end = memmem(head, available, "\r\n\r\n", 4);
    if (end == NULL)
        return available > HEAD_LIMIT ? -1 : 0;
    size_t length = (size_t)(end - head) + 4;
    if (!is_upgrade(head, length, &key)) {
        static const char refusal[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                                      "Connection: close\r\n\r\n";
        transmit(c, (const uint8_t *)refusal, sizeof refusal - 1);
        return -1;
    }
    if (length > 11 && memcmp(head, "GET /probe ", 11) == 0)
        c->group = 1;
    char accept[ACCEPT_CHARS + 1], answer[256];
    accept_of_key(key, accept);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    c->upgraded = true;
    if (counters[c->group][COUNTER_FIRST_ACCEPT_NS] == 0)
        count(c, COUNTER_FIRST_ACCEPT_NS, (uint64_t)now_ns());
    count(c, COUNTER_UPGRADED, 1);
    count(c, COUNTER_OPEN, 1);
    transmit(c, (uint8_t *)answer, (size_t)size);
    return (ssize_t)length;
}

static size_t put_frame(uint8_t *out, uint8_t first, const uint8_t *payload, size_t length) {
    size_t header = frame_header(out, first, length, NULL);
    memcpy(out + header, payload, length);
    return header + length;
}

/* Answers to all whole frames in scratch[from, have). Returns where the rest begins. */
static size_t answer_frames(struct connection *c, size_t from, size_t have) {
    size_t at = from, reply = 0;
    uint64_t messages = 0;
    struct frame frame;
    enum parse parsed = PARSE_MORE;
    while (!c->said_close &&
           (parsed = frame_parse(scratch + at, have - at, true, &frame)) == PARSE_FRAME) {
        at += frame.total;
        if (frame.opcode == OP_PING) {
            reply += put_frame(replies + reply, 0x80 | OP_PONG, frame.payload, frame.length);
        } else if (frame.opcode == OP_CLOSE) {
            reply += put_frame(replies + reply, 0x80 | OP_CLOSE, frame.payload,
                               frame.length < 2 ? 0 : 2);
            c->said_close = true;
        } else if (frame.opcode <= OP_BINARY) {
            reply += put_frame(replies + reply, frame.first, frame.payload, frame.length);
            messages += frame.first >> 7;
        } else if (frame.opcode != OP_PONG) {
            parsed = PARSE_ERROR;
            break;
        }
    }
    count(c, COUNTER_MESSAGES, messages);
    count(c, COUNTER_BYTES, reply);
    if (reply > 0)
        transmit(c, replies, reply);
    if (parsed == PARSE_ERROR) {
        count(c, COUNTER_ERRORS, 1);
        end_connection(c);
    }
    return at;
}

static void on_readable(struct connection *c) {
    size_t have = c->in.length;
    if (have > 0)
        memcpy(scratch, c->in.data, have);
    ssize_t n = receive(c, scratch + have, sizeof scratch - have);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            end_connection(c);
        return;
    }
    buffer_clear(&c->in);
    have += (size_t)n;
    size_t at = 0;
    if (!c->upgraded) {
        ssize_t head = answer_upgrade(c, have);
        if (head < 0) {
            count(c, COUNTER_ERRORS, 1);
            end_connection(c);
            return;
        }
        at = (size_t)head;
    }
    if (c->upgraded && !c->ended)
        at = answer_frames(c, at, have);
    if (c->ended)
        return;
    if (c->said_close && c->out.length == 0)
        end_connection(c);
    else if (at < have)
        buffer_append(&c->in, scratch + at, have - at);
}

static void accept_all(void) {
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
                return;
            die("accept4");
        }
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *c = allocate(sizeof *c);
        c->fd = fd;
#ifdef WITH_TLS
        c->tls = tls_new(fd);
#endif
        watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
}

static void bury(void) {
    while (dead != NULL) {
        struct connection *next = dead->next_dead;
        free(dead);
        dead = next;
    }
}

static void serve(void) {
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(poll_fd, events, EVENTS, -1);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].data.ptr == &signal_fd)
                return;
            if (events[i].data.ptr == &listen_fd) {
                accept_all();
                continue;
            }
            if (!c->ended && (events[i].events & EPOLLOUT))
                flush(c);
            else if (!c->ended)
                on_readable(c);
        }
        bury();
    }
}

static void map_counters(const char *path) {
    size_t bytes = GROUPS * sizeof *counters;
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (path != NULL && (fd < 0 || ftruncate(fd, (off_t)bytes) != 0))
        die(path);
    int flags = path == NULL ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    counters = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (counters == MAP_FAILED)
        die("mmap");
    memset(counters, 0, bytes);
    if (fd >= 0)
        close(fd);
}

static uint16_t listen_on(const char *host, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t length = sizeof address;
    int one = 1;
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        usage_error("--host: an IPv4 address such as 127.0.0.1");
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listen_fd < 0)
        die("socket");
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listen_fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("bind");
    if (listen(listen_fd, 65535) != 0 ||
        getsockname(listen_fd, (struct sockaddr *)&address, &length) != 0)
        die("listen");
    return ntohs(address.sin_port);
}

static void report(void) {
    static const char *names[COUNTERS] = {"upgraded", "open", "messages", "bytes", "ended_clean",
                                          "ended_otherwise", "errors", "first_accept_ns"};
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"cpu_user_s\": %ld.%06ld, \"cpu_sys_s\": %ld.%06ld", usage.ru_utime.tv_sec,
           usage.ru_utime.tv_usec, usage.ru_stime.tv_sec, usage.ru_stime.tv_usec);
    for (int group = 0; group < GROUPS; group++) {
        printf(", \"%s\": {", group == 0 ? "load" : "probe");
        for (int i = 0; i < COUNTERS; i++)
            printf("%s\"%s\": %llu", i > 0 ? ", " : "", names[i],
                   (unsigned long long)counters[group][i]);
        printf("}");
    }
    printf("}\n");
}

int main(int argc, char **argv) {
    static const struct option known[] = {
        {"host", required_argument, NULL, 'h'}, {"port", required_argument, NULL, 'p'},
        {"counters", required_argument, NULL, 'c'},
#ifdef WITH_TLS
        {"certificate", required_argument, NULL, 't'}, {"key", required_argument, NULL, 'k'},
#endif
        {NULL, 0, NULL, 0},
    };
    const char *host = "127.0.0.1", *counters_path = NULL;
#ifdef WITH_TLS
    const char *certificate = "", *key = "";
#endif
    uint16_t port = 0;
    for (int which; (which = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (which == 'h')
            host = optarg;
        else if (which == 'p')
            port = (uint16_t)parse_long("--port", optarg, 0, 65535);
        else if (which == 'c')
            counters_path = optarg;
#ifdef WITH_TLS
        else if (which == 't')
            certificate = optarg;
        else if (which == 'k')
            key = optarg;
#endif
        else
            usage_error("usage: server [--host IPV4] [--port PORT] [--counters FILE]" TLS_USAGE);
    }
#ifdef WITH_TLS
    tls_prepare(certificate, key);
    signal(SIGPIPE, SIG_IGN);
#endif
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    map_counters(counters_path);
    port = listen_on(host, port);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (poll_fd < 0 || signal_fd < 0)
        die("epoll and signalfd");
    watch(EPOLL_CTL_ADD, listen_fd, EPOLLIN, &listen_fd);
    watch(EPOLL_CTL_ADD, signal_fd, EPOLLIN, &signal_fd);
    printf("listening on port %u\n", port);
    fflush(stdout);
    serve();
    report();
    return 0;
}
