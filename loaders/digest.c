#include "loaders/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph_cost.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "values are hashed as they lie in memory");

static void print_digest(const unsigned char *sum, unsigned length,
                         char digest[RB_DIGEST_CAPACITY]) {
    for (unsigned i = 0; i < length && 2 * i + 2 < RB_DIGEST_CAPACITY; i++)
        snprintf(digest + 2 * (size_t)i, 3, "%02x", sum[i]);
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const rb_tensor_desc *const *)a)->name,
                  (*(const rb_tensor_desc *const *)b)->name);
}

static bool digest_tensor(EVP_MD_CTX *context, const rb_tensor_desc *tensor, const float *values) {
    char header[256];
    size_t used = (size_t)snprintf(header, sizeof header, "%s\n", tensor->name);
    for (int32_t d = 0; d < tensor->ndim; d++)
        used += (size_t)snprintf(header + used, sizeof header - used, "%lld%c",
                                 (long long)tensor->dims[d], d + 1 < tensor->ndim ? ' ' : '\n');
    return EVP_DigestUpdate(context, header, used) == 1 &&
           EVP_DigestUpdate(context, values, (size_t)rb_tensor_elements(tensor) * sizeof *values) ==
               1;
}

rb_status rb_digest_tensors(const rb_graph *graph, const float *const *tensors, double epsilon,
                            char digest[RB_DIGEST_CAPACITY], rb_error *err) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const size_t count = (size_t)graph->tensor_count;
    const rb_tensor_desc **sorted = calloc(count, sizeof *sorted);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fine = sorted && context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    if (fine) {
        for (size_t i = 0; i < count; i++)
            sorted[i] = &graph->tensors[i];
        qsort(sorted, count, sizeof *sorted, by_name);
    }
    for (size_t i = 0; fine && i < count; i++)
        fine = digest_tensor(context, sorted[i], tensors[sorted[i] - graph->tensors]);
    fine = fine && EVP_DigestUpdate(context, "epsilon\n", 8) == 1 &&
           EVP_DigestUpdate(context, &epsilon, sizeof epsilon) == 1 &&
           EVP_DigestFinal_ex(context, sum, &length) == 1;
    EVP_MD_CTX_free(context);
    free(sorted);
    if (!fine)
        return rb_fail(err, RB_ERR_MEMORY, "SHA-256 over the tensors of %s failed", graph->name);
    print_digest(sum, length, digest);
    return RB_OK;
}

static rb_status digest_file(EVP_MD_CTX *context, const char *path, rb_error *err) {
    unsigned char block[1 << 16];
    size_t got = 0;
    bool fine = true;
    FILE *file = fopen(path, "rb");
    if (!file)
        return rb_fail(err, RB_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    while (fine && (got = fread(block, 1, sizeof block, file)) > 0)
        fine = EVP_DigestUpdate(context, block, got) == 1;
    fine = fine && !ferror(file);
    fclose(file);
    return fine ? RB_OK : rb_fail(err, RB_ERR_INPUT, "%s: cannot be read", path);
}

rb_status rb_digest_files(const char *const *paths, size_t count, char digest[RB_DIGEST_CAPACITY],
                          rb_error *err) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    rb_status status = RB_OK;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        status = rb_fail(err, RB_ERR_MEMORY, "SHA-256 cannot be computed");
    for (size_t i = 0; status == RB_OK && i < count; i++)
        status = digest_file(context, paths[i], err);
    if (status == RB_OK && EVP_DigestFinal_ex(context, sum, &length) != 1)
        status = rb_fail(err, RB_ERR_MEMORY, "SHA-256 cannot be computed");
    EVP_MD_CTX_free(context);
    if (status == RB_OK)
        print_digest(sum, length, digest);
    return status;
}
