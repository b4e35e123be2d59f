#pragma once

/* The type checks of curl's macros need constant options; the functions below name the types. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* Swift cannot call variadic C functions: one function for each type of argument. */

typedef size_t (*tributary_curl_data_function)(char *, size_t, size_t, void *);
typedef int (*tributary_curl_progress_function)(
    void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

static inline CURLcode tributary_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode tributary_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode tributary_curl_set_string(
    CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode tributary_curl_set_pointer(
    CURL *handle, CURLoption option, const void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode tributary_curl_set_headers(CURL *handle, struct curl_slist *headers) {
    return curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
}

static inline CURLcode tributary_curl_set_data_function(
    CURL *handle, CURLoption option, tributary_curl_data_function function) {
    return curl_easy_setopt(handle, option, function);
}

static inline CURLcode tributary_curl_set_progress_function(
    CURL *handle, tributary_curl_progress_function function) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, function);
}

static inline CURLcode tributary_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

static inline CURLcode tributary_curl_get_size(CURL *handle, CURLINFO info, curl_off_t *value) {
    return curl_easy_getinfo(handle, info, value);
}

static inline CURLcode tributary_curl_get_string(
    CURL *handle, CURLINFO info, const char **value) {
    return curl_easy_getinfo(handle, info, value);
}

static inline CURLcode tributary_curl_global_init(void) {
    return curl_global_init(CURL_GLOBAL_DEFAULT);
}
