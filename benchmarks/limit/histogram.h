/* Log-linear histogram of nanoseconds: exact below 2,048, then 1,024 steps per power of two. */
#ifndef LIMIT_HISTOGRAM_H
#define LIMIT_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 1024, HISTOGRAM_CELLS = HISTOGRAM_STEPS * 34 };

struct histogram {
    uint64_t cells[HISTOGRAM_CELLS];
    uint64_t count;
    int64_t largest_ns;
};

void histogram_record(struct histogram *histogram, int64_t value_ns);
/* Middle of the cell in which the share (0 to 1) of the values is reached; -1 when empty. */
int64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
