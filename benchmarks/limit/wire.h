/* What the bare client and the bare server share: clock, handshake, frames, growing buffers. */
#ifndef LIMIT_WIRE_H
#define LIMIT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ACCEPT_CHARS = 28,        /* base64 of a SHA-1 digest */
    KEY_CHARS = 24,           /* base64 of 16 random bytes */
    FRAME_HEADER_MAX = 14,
    PAYLOAD_LIMIT = 1 << 20,
    RECEIVE_BYTES = (1 << 20) + (1 << 16), /* the largest frame fits with room to read on */
    HEAD_LIMIT = 16 * 1024,
};

enum opcode {
    OP_CONTINUATION = 0,
    OP_TEXT = 1,
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
};

enum parse { PARSE_MORE = 0, PARSE_FRAME = 1, PARSE_ERROR = -1 };

struct frame {
    uint8_t first;            /* FIN, reserved bits and opcode, as on the wire */
    enum opcode opcode;
    uint8_t *payload;
    size_t length;
    size_t total;             /* header and payload */
};

/* Bytes kept between two events; empty for nearly every connection nearly all the time. */
struct buffer {
    uint8_t *data;
    size_t length;
};

int64_t now_ns(void);
_Noreturn void die(const char *what);
_Noreturn void usage_error(const char *what);
void *allocate(size_t bytes);
long parse_long(const char *option, const char *text, long low, long high);

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_clear(struct buffer *buffer);

/* Bytes from getrandom(2), drawn from the kernel a few kilobytes at a time. */
void random_bytes(void *out, size_t length);

/* Numbers as lower-case hexadecimal digits of a fixed count; false where one is no digit. */
void put_hex(uint8_t *out, uint64_t value, int digits);
bool get_hex(const uint8_t *in, int digits, uint64_t *value);

void base64(const uint8_t *bytes, size_t length, char *out);
/* Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2); out holds ACCEPT_CHARS + 1. */
void accept_of_key(const char key[KEY_CHARS], char *out);
/* Value of a header field inside a complete HTTP head, or NULL; *length without blanks around. */
const char *head_field(const char *head, size_t head_length, const char *name, size_t *length);

void mask_bytes(uint8_t *bytes, size_t length, uint32_t key);
/* Header for a payload of that length; masked when key is not NULL. Returns its length. */
size_t frame_header(uint8_t *out, uint8_t first, size_t length, const uint32_t *key);
/* One frame from the front of the bytes; a masked payload is unmasked in place. */
enum parse frame_parse(uint8_t *bytes, size_t available, bool expect_mask, struct frame *frame);

#endif
