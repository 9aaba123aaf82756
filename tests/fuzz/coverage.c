/* Tells libFuzzer which parts of the core an input reaches.
 *
 * The core is compiled with -fsanitize-coverage=trace-pc, which gcc and clang both know: each basic
 * block calls the function below. libFuzzer reads 8-bit counters; so the place of the call chooses
 * one. Two places may share a counter, which costs a little guidance and nothing else.
 */
#include <stdint.h>

#define COUNTERS_BITS 15

uint8_t fuzz_counters[1 << COUNTERS_BITS];
const uint32_t fuzz_counters_length = 1 << COUNTERS_BITS;

void __sanitizer_cov_trace_pc(void) {
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    uint32_t index = ((uint32_t)place * 2654435761u) >> (32 - COUNTERS_BITS);
    if (fuzz_counters[index] != 255) fuzz_counters[index]++;
}
