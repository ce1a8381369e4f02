/* The ABI of version 1 as it was frozen: where every member lies, on machines of 64 bits, and what
 * every name counts. A line that fails here is a new version (docs/plugins.md), not a line to mend.
 */
#include "test_support.h"

#include <stddef.h>

#include "resbench/handshake.h"

typedef struct frozen {
    const char *what;
    size_t found, expected;
} frozen;

#define AT(type, member, bytes)                                                                    \
    { #type "." #member, offsetof(type, member), bytes }
#define SIZE(type, bytes)                                                                          \
    { #type, sizeof(type), bytes }
#define NUMBER(name, value)                                                                        \
    { #name, (size_t)name, value }

static void check(const frozen *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (rows[i].found != rows[i].expected)
            fail_msg("%s is %zu, and %zu in version 1", rows[i].what, rows[i].found,
                     rows[i].expected);
}

static void the_table_of_an_engine_has_not_moved(void **state) {
    (void)state;
    static const frozen rows[] = {
        AT(rb_engine, abi, 0),          AT(rb_engine, size, 4),
        AT(rb_engine, name, 8),         AT(rb_engine, version, 16),
        AT(rb_engine, description, 24), AT(rb_engine, output_dtype, 32),
        AT(rb_engine, flags, 36),       AT(rb_engine, open, 40),
        AT(rb_engine, run, 48),         AT(rb_engine, tap, 56),
        AT(rb_engine, memory, 64),      AT(rb_engine, kernel, 72),
        AT(rb_engine, algorithm, 80),   AT(rb_engine, close, 88),
        AT(rb_engine, reserved, 96),    AT(rb_engine, executed_macs, 112),
        AT(rb_engine, profile, 120),    SIZE(rb_engine, 128),
        AT(rb_memory, bytes, 0),        SIZE(rb_memory, 24),
        AT(rb_error, message, 0),       SIZE(rb_error, 1024),
    };
    check(rows, COUNT(rows));
}

static void what_open_is_given_has_not_moved(void **state) {
    (void)state;
    static const frozen rows[] = {
        AT(rb_host, abi, 0),
        AT(rb_host, size, 4),
        AT(rb_host, ctx, 8),
        AT(rb_host, threads, 16),
        AT(rb_host, reserved, 20),
        AT(rb_host, alloc, 24),
        AT(rb_host, release, 32),
        AT(rb_host, log, 40),
        AT(rb_host, reserved_members, 48),
        SIZE(rb_host, 64),
        AT(rb_weights, size, 0),
        AT(rb_weights, reserved, 4),
        AT(rb_weights, tensors, 8),
        AT(rb_weights, epsilon, 16),
        SIZE(rb_weights, 24),
        AT(rb_options, size, 0),
        AT(rb_options, dtype, 4),
        AT(rb_options, mode, 8),
        AT(rb_options, reserved, 12),
        SIZE(rb_options, 32),
    };
    check(rows, COUNT(rows));
}

static void the_graph_has_not_moved(void **state) {
    (void)state;
    static const frozen rows[] = {
        AT(rb_graph, size, 0),        AT(rb_graph, reserved, 4),
        AT(rb_graph, name, 8),        AT(rb_graph, batch, 16),
        AT(rb_graph, channels, 24),   AT(rb_graph, height, 32),
        AT(rb_graph, width, 40),      AT(rb_graph, classes, 48),
        AT(rb_graph, node_count, 56), AT(rb_graph, tensor_count, 60),
        AT(rb_graph, nodes, 64),      AT(rb_graph, tensors, 72),
        SIZE(rb_graph, 80),           AT(rb_node, name, 0),
        AT(rb_node, value_name, 8),   AT(rb_node, op, 16),
        AT(rb_node, src, 20),         AT(rb_node, add, 24),
        AT(rb_node, relu, 28),        AT(rb_node, ic, 32),
        AT(rb_node, ih, 40),          AT(rb_node, iw, 48),
        AT(rb_node, oc, 56),          AT(rb_node, oh, 64),
        AT(rb_node, ow, 72),          AT(rb_node, kh, 80),
        AT(rb_node, kw, 88),          AT(rb_node, stride_h, 96),
        AT(rb_node, stride_w, 104),   AT(rb_node, pad_top, 112),
        AT(rb_node, pad_left, 120),   AT(rb_node, pad_bottom, 128),
        AT(rb_node, pad_right, 136),  AT(rb_node, wei, 144),
        AT(rb_node, bia, 148),        AT(rb_node, bn_weight, 152),
        AT(rb_node, bn_bias, 156),    AT(rb_node, bn_mean, 160),
        AT(rb_node, bn_var, 164),     AT(rb_node, reserved, 168),
        SIZE(rb_node, 200),           AT(rb_tensor_desc, name, 0),
        AT(rb_tensor_desc, ndim, 8),  AT(rb_tensor_desc, reserved, 12),
        AT(rb_tensor_desc, dims, 16), SIZE(rb_tensor_desc, 48),
    };
    check(rows, COUNT(rows));
}

static void the_table_of_a_kernel_has_not_moved(void **state) {
    (void)state;
    static const frozen rows[] = {
        AT(rb_kernel, abi, 0),
        AT(rb_kernel, size, 4),
        AT(rb_kernel, name, 8),
        AT(rb_kernel, version, 16),
        AT(rb_kernel, description, 24),
        AT(rb_kernel, flags, 32),
        AT(rb_kernel, reserved, 36),
        AT(rb_kernel, prepare, 40),
        AT(rb_kernel, run, 48),
        AT(rb_kernel, release, 56),
        AT(rb_kernel, reserved_members, 64),
        SIZE(rb_kernel, 96),
        AT(rb_conv2d, size, 0),
        AT(rb_conv2d, reserved, 4),
        AT(rb_conv2d, add, 8),
        AT(rb_conv2d, relu, 12),
        AT(rb_conv2d, src_layout, 16),
        AT(rb_conv2d, add_layout, 20),
        AT(rb_conv2d, batch, 24),
        AT(rb_conv2d, ic, 32),
        AT(rb_conv2d, ih, 40),
        AT(rb_conv2d, iw, 48),
        AT(rb_conv2d, oc, 56),
        AT(rb_conv2d, oh, 64),
        AT(rb_conv2d, ow, 72),
        AT(rb_conv2d, kh, 80),
        AT(rb_conv2d, kw, 88),
        AT(rb_conv2d, stride_h, 96),
        AT(rb_conv2d, stride_w, 104),
        AT(rb_conv2d, pad_top, 112),
        AT(rb_conv2d, pad_left, 120),
        AT(rb_conv2d, pad_bottom, 128),
        AT(rb_conv2d, pad_right, 136),
        AT(rb_conv2d, reserved_extents, 144),
        SIZE(rb_conv2d, 176),
        AT(rb_kernel_choice, size, 0),
        AT(rb_kernel_choice, reserved, 4),
        AT(rb_kernel_choice, src, 8),
        AT(rb_kernel_choice, dst, 12),
        AT(rb_kernel_choice, algorithm, 16),
        AT(rb_kernel_choice, reserved_word, 20),
        AT(rb_kernel_choice, kernel, 24),
        AT(rb_kernel_choice, scratch_bytes, 32),
        AT(rb_kernel_choice, reserved_values, 40),
        AT(rb_kernel_choice, executed_macs, 48),
        SIZE(rb_kernel_choice, 56),
    };
    check(rows, COUNT(rows));
}

static void names_count_what_they_did(void **state) {
    (void)state;
    static const frozen rows[] = {
        NUMBER(RB_ENGINE_ABI, 1),
        NUMBER(RB_ALIGNMENT, 64),
        NUMBER(RB_MEMORY_WEIGHTS, 0),
        NUMBER(RB_MEMORY_ACTIVATIONS, 1),
        NUMBER(RB_MEMORY_SCRATCH, 2),
        NUMBER(RB_MEMORY_KINDS, 3),
        NUMBER(RB_MODE_INFERENCE, 1),
        NUMBER(RB_MODE_TRAINING, 2),
        NUMBER(RB_ALGORITHM_DIRECT, 0),
        NUMBER(RB_ALGORITHM_WINOGRAD, 1),
        NUMBER(RB_ENGINE_KEEPS_WEIGHTS, 1),
        NUMBER(RB_ENGINE_CONV_ONLY, 2),
        NUMBER(RB_STAGE_CONV, 1),
        NUMBER(RB_STAGE_BN, 2),
        NUMBER(RB_STAGE_VALUE, 4),
        NUMBER(RB_KERNEL_KEEPS_WEIGHTS, 1),
        NUMBER(RB_KERNEL_PARTIAL, 2),
        NUMBER(RB_LAYOUT_NCHW, 1),
        NUMBER(RB_LAYOUT_NHWC, 2),
        NUMBER(RB_LAYOUT_NCHW8C, 3),
        NUMBER(RB_LAYOUT_NCHW16C, 4),
        NUMBER(RB_F32, 1),
        NUMBER(RB_F64, 2),
        NUMBER(RB_OP_CONV, 1),
        NUMBER(RB_OP_MAXPOOL, 2),
        NUMBER(RB_OP_AVGPOOL, 3),
        NUMBER(RB_OP_FC, 4),
        NUMBER(RB_OP_SHORTCUT, 5),
        NUMBER(RB_OK, 0),
        NUMBER(RB_ERR_USAGE, 1),
        NUMBER(RB_ERR_INPUT, 2),
        NUMBER(RB_ERR_OUTPUT, 3),
        NUMBER(RB_ERR_MEMORY, 4),
        NUMBER(RB_ERR_UNSUPPORTED, 5),
        NUMBER(RB_ERR_ENGINE, 6),
        NUMBER(RB_ERR_CRASHED, 7),
        NUMBER(RB_ERR_TIMEOUT, 8),
        NUMBER(RB_ERR_NOT_COMPARABLE, 9),
        NUMBER(RB_ERR_INTERRUPTED, 10),
        NUMBER(RB_MAX_DIMS, 4),
        NUMBER(RB_ERROR_CAPACITY, 1024),
        NUMBER(-RB_VALUE_INPUT, 1),
        NUMBER(-RB_NONE, 2),
        NUMBER(-RB_VALUE_ADDEND, 3),
    };
    check(rows, COUNT(rows));
}

static void symbols_are_called_what_they_were(void **state) {
    (void)state;
    assert_string_equal(RB_ENGINE_SYMBOL, "rb_engine_get");
    assert_string_equal(RB_KERNEL_SYMBOL, "rb_kernel_get");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_an_engine_has_not_moved),
        cmocka_unit_test(what_open_is_given_has_not_moved),
        cmocka_unit_test(the_graph_has_not_moved),
        cmocka_unit_test(the_table_of_a_kernel_has_not_moved),
        cmocka_unit_test(names_count_what_they_did),
        cmocka_unit_test(symbols_are_called_what_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
