#include "histogram.h"

void histogram_record(struct histogram *histogram, int64_t value_ns) {
    uint64_t value = value_ns > 0 ? (uint64_t)value_ns : 0;
    if (value_ns > histogram->largest_ns)
        histogram->largest_ns = value_ns;
    unsigned shift = value < 2 * HISTOGRAM_STEPS ? 0 : 53U - (unsigned)__builtin_clzll(value);
    uint64_t cell = (uint64_t)shift * HISTOGRAM_STEPS + (value >> shift);
    if (cell >= HISTOGRAM_CELLS)
        cell = HISTOGRAM_CELLS - 1;
    histogram->cells[cell]++;
    histogram->count++;
}

int64_t histogram_quantile(const struct histogram *histogram, double share) {
    if (histogram->count == 0)
        return -1;
    uint64_t wanted = (uint64_t)(share * (double)histogram->count);
    if ((double)wanted < share * (double)histogram->count || wanted == 0)
        wanted++;
    uint64_t seen = 0;
    for (uint64_t cell = 0; cell < HISTOGRAM_CELLS; cell++) {
        seen += histogram->cells[cell];
        if (seen >= wanted) {
            uint64_t shift = cell < 2 * HISTOGRAM_STEPS ? 0 : cell / HISTOGRAM_STEPS - 1;
            uint64_t low = (cell - shift * HISTOGRAM_STEPS) << shift;
            return (int64_t)(low + (((uint64_t)1 << shift) >> 1));
        }
    }
    return histogram->largest_ns;
}
