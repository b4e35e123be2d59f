#pragma once

#include <stddef.h>

/* Of <jemalloc/jemalloc.h> only what is called: the rest declares malloc and its kin anew. */
int mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen);
