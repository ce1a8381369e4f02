/* The parameter-free shortcut, which oneDNN has no primitive for: a copy of our own. */
#ifndef ONEDNN_SHORTCUT_H
#define ONEDNN_SHORTCUT_H

#include "session.h"

/* Whether rb_shortcut_run can walk this layout: dense or strided dimensions, with at most one
 * inner block, over channels (nchw, nhwc, nChw16c). */
bool rb_shortcut_knows(const_dnnl_memory_desc_t md);

/* The layout of a value (n, oc, oh, ow) that is arranged as src is, a layout that is known. The
 * caller owns *md. */
rb_status rb_shortcut_layout(const rb_layer *layer, const_dnnl_memory_desc_t src,
                             dnnl_memory_desc_t *md, rb_error *err);

/* src -> dst, whatever their layouts; channels that are there for padding only become zero. */
rb_status rb_shortcut_run(const rb_session *s, const rb_layer *layer, dnnl_memory_t src,
                          dnnl_memory_t dst, rb_error *err);

#endif
