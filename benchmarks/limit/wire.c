#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void die(const char *what) {
    fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
    exit(1);
}

void usage_error(const char *what) {
    fprintf(stderr, "error: %s\n", what);
    exit(2);
}

void *allocate(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (memory == NULL)
        die("calloc");
    return memory;
}

long parse_long(const char *option, const char *text, long low, long high) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
        fprintf(stderr, "error: %s: '%s' is no whole number from %ld to %ld\n", option, text, low,
                high);
        exit(2);
    }
    return value;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length) {
    uint8_t *grown = realloc(buffer->data, buffer->length + length);
    if (grown == NULL)
        die("realloc");
    memcpy(grown + buffer->length, bytes, length);
    buffer->data = grown;
    buffer->length += length;
}

void buffer_clear(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void random_bytes(void *out, size_t length) {
    static uint8_t pool[4096];
    static size_t left = 0;
    if (length > sizeof pool)
        usage_error("random_bytes: too many at once");
    if (left < length) {
        /* Requests beyond 256 bytes may be cut short by a signal. */
        for (size_t filled = 0; filled < sizeof pool;) {
            ssize_t got = getrandom(pool + filled, sizeof pool - filled, 0);
            if (got > 0)
                filled += (size_t)got;
            else if (errno != EINTR)
                die("getrandom");
        }
        left = sizeof pool;
    }
    left -= length;
    memcpy(out, pool + left, length);
}

void base64(const uint8_t *bytes, size_t length, char *out) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t rest = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (rest > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (rest > 2)
            group |= bytes[i + 2];
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = rest > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = rest > 2 ? digits[group & 63] : '=';
    }
    *out = '\0';
}

static uint32_t rotate_left(uint32_t word, int bits) {
    return word << bits | word >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t block[64]) {
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20)
            f = (b & c) | (~b & d), k = 0x5a827999;
        else if (i < 40)
            f = b ^ c ^ d, k = 0x6ed9eba1;
        else if (i < 60)
            f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
        else
            f = b ^ c ^ d, k = 0xca62c1d6;
        uint32_t next = rotate_left(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rotate_left(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

void accept_of_key(const char key[KEY_CHARS], char *out) {
    /* Key and GUID are 60 characters: two SHA-1 blocks (FIPS 180-4) with the padding. */
    uint8_t message[128] = {0};
    memcpy(message, key, KEY_CHARS);
    memcpy(message + KEY_CHARS, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    message[60] = 0x80;
    message[126] = 60 * 8 >> 8;
    message[127] = 60 * 8 & 255;
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    sha1_block(state, message);
    sha1_block(state, message + 64);
    uint8_t digest[20];
    for (int i = 0; i < 20; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    base64(digest, sizeof digest, out);
}

const char *head_field(const char *head, size_t head_length, const char *name, size_t *length) {
    size_t name_length = strlen(name);
    const char *end = head + head_length;
    for (const char *line = head; line < end;) {
        const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (stop == NULL)
            return NULL;
        if ((size_t)(stop - line) > name_length && line[name_length] == ':' &&
            strncasecmp(line, name, name_length) == 0) {
            const char *value = line + name_length + 1;
            while (value < stop && (*value == ' ' || *value == '\t'))
                value++;
            while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
                stop--;
            *length = (size_t)(stop - value);
            return value;
        }
        line = stop + 2;
    }
    return NULL;
}

void mask_bytes(uint8_t *bytes, size_t length, uint32_t key) {
    uint64_t wide = (uint64_t)key << 32 | key;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        word ^= wide;
        memcpy(bytes + i, &word, 8);
    }
    uint8_t octets[4];
    memcpy(octets, &key, 4);
    for (; i < length; i++)
        bytes[i] ^= octets[i & 3];
}

size_t frame_header(uint8_t *out, uint8_t first, size_t length, const uint32_t *key) {
    uint8_t mask_bit = key != NULL ? 0x80 : 0;
    size_t at = 2;
    out[0] = first;
    if (length < 126) {
        out[1] = (uint8_t)length | mask_bit;
    } else if (length < 65536) {
        out[1] = 126 | mask_bit;
        out[2] = (uint8_t)(length >> 8);
        out[3] = (uint8_t)length;
        at = 4;
    } else {
        out[1] = 127 | mask_bit;
        for (int i = 0; i < 8; i++)
            out[2 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
        at = 10;
    }
    if (key != NULL) {
        memcpy(out + at, key, 4);
        at += 4;
    }
    return at;
}

enum parse frame_parse(uint8_t *bytes, size_t available, bool expect_mask, struct frame *frame) {
    if (available < 2)
        return PARSE_MORE;
    bool masked = bytes[1] & 0x80;
    uint64_t length = bytes[1] & 0x7f;
    size_t header = 2;
    if (length == 126)
        header = 4;
    else if (length == 127)
        header = 10;
    if (masked)
        header += 4;
    if (masked != expect_mask || (bytes[0] & 0x70) != 0)
        return PARSE_ERROR;
    if ((bytes[0] & 0x08) != 0 && (length > 125 || (bytes[0] & 0x80) == 0))
        return PARSE_ERROR;
    if (available < header)
        return PARSE_MORE;
    if (length == 126) {
        length = (uint64_t)bytes[2] << 8 | bytes[3];
    } else if (length == 127) {
        length = 0;
        for (int i = 0; i < 8; i++)
            length = length << 8 | bytes[2 + i];
    }
    if (length > PAYLOAD_LIMIT)
        return PARSE_ERROR;
    if (available - header < length)
        return PARSE_MORE;
    frame->first = bytes[0];
    frame->opcode = (enum opcode)(bytes[0] & 0x0f);
    frame->payload = bytes + header;
    frame->length = (size_t)length;
    frame->total = header + (size_t)length;
    if (masked) {
        uint32_t key;
        memcpy(&key, bytes + header - 4, 4);
        mask_bytes(frame->payload, frame->length, key);
    }
    return PARSE_FRAME;
}

void put_hex(uint8_t *out, uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        out[i] = (uint8_t)"0123456789abcdef"[value & 15];
}

bool get_hex(const uint8_t *in, int digits, uint64_t *value) {
    *value = 0;
    for (int i = 0; i < digits; i++) {
        unsigned c = in[i], digit = c - '0';
        if (digit > 9) {
            digit = c - 'a' + 10;
            if (digit < 10 || digit > 15)
                return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}
