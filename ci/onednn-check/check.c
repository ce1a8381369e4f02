/* A 3x3 convolution with padding 1 over a 3x3 image, all ones: each output counts the taps inside
 * the image. */
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>

#define TRY(call)                                                                                  \
    do {                                                                                           \
        dnnl_status_t status = (call);                                                             \
        if (status != dnnl_success) {                                                              \
            fprintf(stderr, "%s: status %d\n", #call, (int)status);                                \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

int main(void) {
    static const float expected[9] = {4, 6, 4, 6, 9, 6, 4, 6, 4};
    float src[9], wei[9], dst[9] = {0};
    dnnl_dims_t dims = {1, 1, 3, 3}, ones = {1, 1}, zeros = {0, 0};
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_desc_t desc;
    dnnl_primitive_desc_t conv_desc;
    dnnl_primitive_t conv;
    dnnl_memory_t src_memory, wei_memory, dst_memory;
    const char *kernel = "";

    for (int i = 0; i < 9; i++)
        src[i] = wei[i] = 1.0f;
    TRY(dnnl_engine_create(&engine, dnnl_cpu, 0));
    TRY(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    TRY(dnnl_memory_desc_create_with_tag(&desc, 4, dims, dnnl_f32, dnnl_nchw));
    TRY(dnnl_convolution_forward_primitive_desc_create(&conv_desc, engine, dnnl_forward_inference,
                                                       dnnl_convolution_direct, desc, desc, NULL,
                                                       desc, ones, zeros, ones, ones, NULL));
    TRY(dnnl_primitive_desc_query(conv_desc, dnnl_query_impl_info_str, 0, (void *)&kernel));
    TRY(dnnl_primitive_create(&conv, conv_desc));
    TRY(dnnl_memory_create(&src_memory, desc, engine, src));
    TRY(dnnl_memory_create(&wei_memory, desc, engine, wei));
    TRY(dnnl_memory_create(&dst_memory, desc, engine, dst));

    dnnl_exec_arg_t args[3] = {
        {DNNL_ARG_SRC, src_memory}, {DNNL_ARG_WEIGHTS, wei_memory}, {DNNL_ARG_DST, dst_memory}};
    TRY(dnnl_primitive_execute(conv, stream, 3, args));
    TRY(dnnl_stream_wait(stream));
    for (int i = 0; i < 9; i++)
        if (!(dst[i] == expected[i])) {
            fprintf(stderr, "output %d is %g, expected %g\n", i, (double)dst[i],
                    (double)expected[i]);
            return 1;
        }

    const dnnl_version_t *version = dnnl_version();
    printf("oneDNN %d.%d.%d computes (%s)\n", version->major, version->minor, version->patch,
           kernel);
    return 0;
}
