/* The command line of the bare client. */
#ifndef LIMIT_OPTIONS_H
#define LIMIT_OPTIONS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum { TOKEN_PREFIX = 5, TOKEN_CHARS = TOKEN_PREFIX + 8 + 8 + 16 };
enum mode { MODE_PACED, MODE_PINGPONG, MODE_CONNECT, MODE_ROOM };

/* Rates are per second, times in seconds unless the name says otherwise. */
struct options {
    enum mode mode;
    const char *host, *path;
    struct sockaddr_in address;
    uint32_t connections, rooms;
    double connect_rate, rate, seconds, warmup, drain, hold, connect_timeout;
    size_t size;
    int64_t tick_ns;
};

extern struct options options;

/* Fills `options`; ends the process with a message and code 2 when something is wrong. */
void options_parse(int argc, char **argv);

#endif
