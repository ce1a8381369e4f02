/* Alterations of a good HDF5 file, made through the HDF5 library from the fuzzer's bytes: the
 * container stays well-formed, so that what is tested is what this project looks at in it. */
#ifndef HDF5_ALTER_H
#define HDF5_ALTER_H

#include <hdf5.h>
#include <stdbool.h>

#include "fuzz_support.h"

typedef struct hdf5_names {
    const char *const *datasets;
    size_t dataset_count;
    const char *const *attributes; /* of the root group */
    size_t attribute_count;
} hdf5_names;

/* Applies alterations to the file until the bytes are used up, eight at most. What HDF5 itself
 * refuses to make is passed over. It crashes, too, on the way: so this happens in a child, and
 * false means that there is no file worth reading. */
bool hdf5_alter(const char *path, const hdf5_names *names, fuzz_bytes *bytes);

#endif
