/* Chunked data sets from outside. libhdf5 takes a chunk's word for how many bytes it holds: it
 * reads past the end of one that holds fewer, and inflates one that holds more into as much memory
 * as it wants. So every chunk is looked at before libhdf5 reads it. */
#ifndef LOADERS_HDF5_CHUNKS_H
#define LOADERS_HDF5_CHUNKS_H

#include <hdf5.h>

/* NULL, or what is wrong with the chunks of an open dataset whose filters are deflate (at most
 * once), shuffle and checksum: one is missing (HDF5 reads it as zeros), far larger than the whole
 * data set (HDF5 takes memory for it), or of other bytes than its shape needs. Deflated chunks are
 * inflated for that, in constant memory. */
const char *rb_hdf5_chunk_objection(hid_t dataset, hid_t properties);

#endif
