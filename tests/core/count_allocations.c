/* Counts every allocation that Python makes for objects, by standing in front of its allocators. */
#include <Python.h>

static PyMemAllocatorEx original[2];
static const PyMemAllocatorDomain domains[2] = {PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};
static long long allocations;

static void *count_malloc(void *ctx, size_t size) {
    PyMemAllocatorEx *next = ctx;
    allocations++;
    return next->malloc(next->ctx, size);
}

static void *count_calloc(void *ctx, size_t n, size_t size) {
    PyMemAllocatorEx *next = ctx;
    allocations++;
    return next->calloc(next->ctx, n, size);
}

static void *count_realloc(void *ctx, void *block, size_t size) {
    PyMemAllocatorEx *next = ctx;
    allocations++;
    return next->realloc(next->ctx, block, size);
}

static void count_free(void *ctx, void *block) {
    PyMemAllocatorEx *next = ctx;
    next->free(next->ctx, block);
}

void install(void) {
    for (int i = 0; i < 2; i++) {
        PyMemAllocatorEx counting = {&original[i], count_malloc, count_calloc, count_realloc,
                                     count_free};
        PyMem_GetAllocator(domains[i], &original[i]);
        PyMem_SetAllocator(domains[i], &counting);
    }
}

void uninstall(void) {
    for (int i = 0; i < 2; i++)
        PyMem_SetAllocator(domains[i], &original[i]);
}

long long counted(void) { return allocations; }
