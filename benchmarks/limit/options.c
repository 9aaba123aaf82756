#define _GNU_SOURCE
#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

struct options options = {
    .mode = MODE_PACED, .host = "127.0.0.1", .path = "/", .connections = 100, .rooms = 1,
    .connect_rate = 1000, .rate = 1, .seconds = 5, .warmup = 0, .drain = 2, .hold = 0,
    .connect_timeout = 30, .size = 64, .tick_ns = 1000000,
};

static double parse_number(const char *option, const char *text, double low, double high) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= low && value <= high)) {
        fprintf(stderr, "error: %s: '%s' is no number from %g to %g\n", option, text, low, high);
        exit(2);
    }
    return value;
}

static void parse_mode(const char *text) {
    if (strcmp(text, "paced") == 0)
        options.mode = MODE_PACED;
    else if (strcmp(text, "pingpong") == 0)
        options.mode = MODE_PINGPONG;
    else if (strcmp(text, "connect") == 0)
        options.mode = MODE_CONNECT;
    else if (strcmp(text, "room") == 0)
        options.mode = MODE_ROOM;
    else
        usage_error("--mode: one of paced, pingpong, connect, room");
}

static void parse_option(const char *name, char *text) {
    if (strcmp(name, "mode") == 0)
        parse_mode(text);
    else if (strcmp(name, "host") == 0)
        options.host = text;
    else if (strcmp(name, "path") == 0)
        options.path = text;
    else if (strcmp(name, "port") == 0)
        options.address.sin_port = htons((uint16_t)parse_long("--port", text, 1, 65535));
    else if (strcmp(name, "connections") == 0)
        options.connections = (uint32_t)parse_long("--connections", text, 1, 1000000);
    else if (strcmp(name, "rooms") == 0)
        options.rooms = (uint32_t)parse_long("--rooms", text, 1, 1000000);
    else if (strcmp(name, "connect-rate") == 0)
        options.connect_rate = parse_number("--connect-rate", text, 0.001, 1e6);
    else if (strcmp(name, "rate") == 0)
        options.rate = parse_number("--rate", text, 0.001, 1e6);
    else if (strcmp(name, "seconds") == 0)
        options.seconds = parse_number("--seconds", text, 0, 1e6);
    else if (strcmp(name, "warmup") == 0)
        options.warmup = parse_number("--warmup", text, 0, 1e6);
    else if (strcmp(name, "drain") == 0)
        options.drain = parse_number("--drain", text, 0, 1e6);
    else if (strcmp(name, "hold") == 0)
        options.hold = parse_number("--hold", text, 0, 1e6);
    else if (strcmp(name, "connect-timeout") == 0)
        options.connect_timeout = parse_number("--connect-timeout", text, 0, 1e6);
    else if (strcmp(name, "size") == 0)
        options.size = (size_t)parse_long("--size", text, TOKEN_CHARS, PAYLOAD_LIMIT);
    else
        options.tick_ns = 1000 * parse_long("--tick-us", text, 1, 1000000);
}

void options_parse(int argc, char **argv) {
    static const struct option known[] = {
        {"mode", required_argument, NULL, 0},         {"host", required_argument, NULL, 0},
        {"path", required_argument, NULL, 0},         {"port", required_argument, NULL, 0},
        {"connections", required_argument, NULL, 0},  {"connect-rate", required_argument, NULL, 0},
        {"rate", required_argument, NULL, 0},         {"seconds", required_argument, NULL, 0},
        {"warmup", required_argument, NULL, 0},       {"drain", required_argument, NULL, 0},
        {"hold", required_argument, NULL, 0},         {"size", required_argument, NULL, 0},
        {"connect-timeout", required_argument, NULL, 0},
        {"tick-us", required_argument, NULL, 0},      {"rooms", required_argument, NULL, 0},
        {NULL, 0, NULL, 0},
    };
    int which;
    while (getopt_long(argc, argv, "", known, &which) == 0)
        parse_option(known[which].name, optarg);
    if (optind != argc || options.address.sin_port == 0)
        usage_error("usage: client --port PORT [--mode paced|pingpong|connect|room] [--connections N]"
                    " [--rooms N]"
                    " [--connect-rate PER_S] [--rate PER_S] [--seconds S] [--warmup S] [--drain S]"
                    " [--hold S] [--size BYTES] [--tick-us US] [--host IPV4] [--path PATH]"
                    " [--connect-timeout S]");
    if (strlen(options.path) > 256 || options.path[0] != '/')
        usage_error("--path: begins with / and has at most 256 characters");
    if (options.mode == MODE_ROOM && options.connections % options.rooms != 0)
        usage_error("--rooms: must divide --connections, so that all rooms are of one size");
    options.address.sin_family = AF_INET;
    if (inet_pton(AF_INET, options.host, &options.address.sin_addr) != 1)
        usage_error("--host: an IPv4 address such as 127.0.0.1");
}
