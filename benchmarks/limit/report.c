#define _GNU_SOURCE
#include "report.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wire.h"

struct phase mark(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (struct phase){
        .wall_ns = now_ns(),
        .user_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
        .system_s = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
    };
}

long resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
        die("/proc/self/statm");
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

void print_phase(const char *name, struct phase from, struct phase to) {
    printf("\"%s\": {\"wall_s\": %.6f, \"cpu_user_s\": %.6f, \"cpu_sys_s\": %.6f}, ", name,
           (double)(to.wall_ns - from.wall_ns) / 1e9, to.user_s - from.user_s,
           to.system_s - from.system_s);
}

void print_latency(const struct histogram *latency) {
    static const struct { const char *name; double share; } wanted[] = {
        {"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99_9", 0.999},
    };
    printf("\"latency_ms\": {\"count\": %llu", (unsigned long long)latency->count);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (latency->count == 0)
            printf(", \"%s\": null", wanted[i].name);
        else
            printf(", \"%s\": %.6f", wanted[i].name,
                   (double)histogram_quantile(latency, wanted[i].share) / 1e6);
    }
    if (latency->count == 0)
        printf(", \"max\": null}}\n");
    else
        printf(", \"max\": %.6f}}\n", (double)latency->largest_ns / 1e6);
}
