/* What the server counts, in a file that others may map and read while it runs: an array of
 * uint64 in native byte order. Connections to the path /probe are counted in the second group. */
#ifndef LIMIT_COUNTERS_H
#define LIMIT_COUNTERS_H

#include <stdint.h>

enum counter {
    COUNTER_UPGRADED,
    COUNTER_OPEN,
    COUNTER_MESSAGES,
    COUNTER_BYTES,
    COUNTER_ENDED_CLEAN,      /* after a close frame */
    COUNTER_ENDED_OTHERWISE,  /* reset, or end of file without a close frame */
    COUNTER_ERRORS,           /* bad handshakes and bad frames */
    COUNTER_FIRST_ACCEPT_NS,  /* instant of the first upgrade request */
    COUNTERS,
};

enum { GROUPS = 2 };

#endif
