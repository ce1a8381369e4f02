#include "reorder.h"

#include "describe.h"
#include "failure.h"

rb_status rb_reorder_dense(const rb_session *s, const rb_layer *layer, int ndims,
                           const int64_t *dims, void *data, dnnl_memory_t *memory, rb_error *err) {
    dnnl_memory_desc_t md = NULL;
    rb_status status = rb_describe_dense(layer->node.name, ndims, dims, &md, err);
    if (status == RB_OK)
        status = rb_dnnl_status(dnnl_memory_create(memory, md, s->engine, data),
                                "dnnl_memory_create", layer->node.name, err);
    dnnl_memory_desc_destroy(md);
    return status;
}

rb_status rb_reorder_once(const rb_session *s, const rb_layer *layer, dnnl_memory_t from,
                          dnnl_memory_t to, rb_error *err) {
    const_dnnl_memory_desc_t from_md = NULL, to_md = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t reorder = NULL;
    const char *call = "dnnl_memory_get_memory_desc";
    dnnl_status_t status = dnnl_memory_get_memory_desc(from, &from_md);
    if (status == dnnl_success)
        status = dnnl_memory_get_memory_desc(to, &to_md);
    if (status != dnnl_success)
        goto done;
    call = "dnnl_reorder_primitive_desc_create";
    status = dnnl_reorder_primitive_desc_create(&pd, from_md, s->engine, to_md, s->engine, NULL);
    if (status != dnnl_success)
        goto done;
    call = "dnnl_primitive_create";
    status = dnnl_primitive_create(&reorder, pd);
    if (status != dnnl_success)
        goto done;
    call = "dnnl_primitive_execute";
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    status = dnnl_primitive_execute(reorder, s->stream, 2, args);
    if (status != dnnl_success)
        goto done;
    call = "dnnl_stream_wait";
    status = dnnl_stream_wait(s->stream);
done:
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(pd);
    return rb_dnnl_status(status, call, layer->node.name, err);
}

bool rb_reorder_is_dense(const_dnnl_memory_desc_t md) {
    int ndims = 0;
    dnnl_dims_t *dims = NULL;
    dnnl_memory_desc_t dense = NULL;
    if (dnnl_memory_desc_query(md, dnnl_query_ndims_s32, &ndims) != dnnl_success ||
        dnnl_memory_desc_query(md, dnnl_query_dims, &dims) != dnnl_success ||
        rb_describe_dense("", ndims, *dims, &dense, NULL) != RB_OK)
        return false;
    const bool equal = dnnl_memory_desc_equal(md, dense) != 0;
    dnnl_memory_desc_destroy(dense);
    return equal;
}
