/* What the bare client says of its own run: times, memory, latencies, as parts of a JSON object. */
#ifndef LIMIT_REPORT_H
#define LIMIT_REPORT_H

#include <stdint.h>

#include "histogram.h"

struct phase {
    int64_t wall_ns;
    double user_s, system_s;
};

struct phase mark(void);
long resident_bytes(void);
void print_phase(const char *name, struct phase from, struct phase to);
/* The last member of the object, and its end. */
void print_latency(const struct histogram *latency);

#endif
