#include "model/problem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "resbench/graph_check.h"

#define MOST 1000000000 /* of any number in a text */

static const struct {
    const char *prefix;
    rb_op op;
} operations[] = {{"conv:", RB_OP_CONV},
                  {"fc:", RB_OP_FC},
                  {"maxpool:", RB_OP_MAXPOOL},
                  {"avgpool:", RB_OP_AVGPOOL},
                  {"shortcut:", RB_OP_SHORTCUT}};

/* The numbers of a text, in the order in which it is written. */
enum { MB, IC, IH, IW, OC, OH, OW, KH, KW, SH, SW, PH, PW, FIELDS };
static const char *const letters[FIELDS] = {"mb", "ic", "ih", "iw", "oc", "oh", "ow",
                                            "kh", "kw", "sh", "sw", "ph", "pw"};
#define ABSENT (-1)

static bool take(const char **at, const char *word) {
    const size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

static rb_status read_number(const char *text, const char **at, int64_t fields[FIELDS],
                             rb_error *err) {
    for (int f = 0; f < FIELDS; f++) {
        if (!take(at, letters[f]))
            continue;
        if (fields[f] != ABSENT)
            return rb_fail(err, RB_ERR_USAGE, "problem '%.200s': %s stands twice", text,
                           letters[f]);
        char *end;
        const long long value = isdigit((unsigned char)**at) ? strtoll(*at, &end, 10) : -1;
        const long long least = f == PH || f == PW ? 0 : 1;
        if (value < least || value > MOST)
            return rb_fail(err, RB_ERR_USAGE, "problem '%.200s': %s needs a number of %lld..%d",
                           text, letters[f], least, MOST);
        *at = end;
        fields[f] = value;
        return RB_OK;
    }
    return rb_fail(err, RB_ERR_USAGE,
                   "problem '%.200s': '%.16s' is not known; such as ic64ih56oc64kh3ph1", text, *at);
}

static rb_status read_steps(const char *text, const char *at, rb_problem *p, rb_error *err) {
    while (*at) {
        if (take(&at, "+bias") && !p->bias)
            p->bias = true;
        else if (take(&at, "+bn") && !p->bn)
            p->bn = true;
        else if (take(&at, "+add") && !p->add)
            p->add = true;
        else if (take(&at, "+relu") && !p->relu)
            p->relu = true;
        else
            return rb_fail(
                err, RB_ERR_USAGE,
                "problem '%.200s': what may follow is +bias, +bn, +add, +relu, each once", text);
    }
    return RB_OK;
}

static int64_t or_else(int64_t field, int64_t otherwise) {
    return field == ABSENT ? otherwise : field;
}

/* Extent of one axis and the padding behind it, where either may be left out. */
static int64_t extent_of(int64_t given, int64_t in, int64_t kernel, int64_t stride, int64_t before,
                         int64_t *behind) {
    const int64_t slack = in + 2 * before - kernel;
    *behind = before;
    if (given == ABSENT)
        return slack >= 0 && stride > 0 ? slack / stride + 1 : 0;
    if (stride > 0 && slack >= 0 && slack / stride + 1 == given)
        return given;
    const int64_t needed = (given - 1) * stride + kernel - in - before;
    *behind = needed > 0 ? needed : 0;
    return given;
}

/* But for the extents of the output. */
static bool is_square(const rb_problem *p) {
    return p->ih == p->iw && p->kh == p->kw && p->stride_h == p->stride_w &&
           p->pad_top == p->pad_left;
}

static void complete(const int64_t fields[FIELDS], rb_problem *p) {
    const bool pools = p->op == RB_OP_AVGPOOL;
    p->batch = or_else(fields[MB], 1);
    p->ic = fields[IC];
    p->ih = or_else(fields[IH], 1);
    p->iw = or_else(fields[IW], p->ih);
    p->oc = or_else(fields[OC], p->ic);
    p->kh = or_else(fields[KH], pools ? p->ih : 1);
    p->kw = or_else(fields[KW], pools && fields[KH] == ABSENT ? p->iw : p->kh);
    p->stride_h = or_else(fields[SH], 1);
    p->stride_w = or_else(fields[SW], p->stride_h);
    p->pad_top = or_else(fields[PH], 0);
    p->pad_left = or_else(fields[PW], p->pad_top);
    p->oh = extent_of(fields[OH], p->ih, p->kh, p->stride_h, p->pad_top, &p->pad_bottom);
    p->ow = extent_of(fields[OW] == ABSENT && is_square(p) ? fields[OH] : fields[OW], p->iw, p->kw,
                      p->stride_w, p->pad_left, &p->pad_right);
}

bool rb_op_has_weights(rb_op op) {
    return op == RB_OP_CONV || op == RB_OP_FC;
}

static rb_status check_present(const char *text, const int64_t fields[FIELDS], rb_op op,
                               rb_error *err) {
    const int missing = fields[IC] == ABSENT                            ? IC
                        : rb_op_has_weights(op) && fields[OC] == ABSENT ? OC
                                                                        : FIELDS;
    return missing == FIELDS ? RB_OK
                             : rb_fail(err, RB_ERR_USAGE, "problem '%.200s': %s is missing", text,
                                       letters[missing]);
}

/* Behind, and only because the extent of the output asks for it. */
static bool sees_padding_alone(int64_t before, int64_t behind, int64_t kernel) {
    return behind > before && behind >= kernel;
}

rb_status rb_problem_parse(const char *text, rb_problem *problem, rb_error *err) {
    int64_t fields[FIELDS];
    const char *at = text;
    rb_problem p = {.op = RB_OP_CONV};
    rb_graph *graph;
    rb_error why = {""};
    for (int f = 0; f < FIELDS; f++)
        fields[f] = ABSENT;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (take(&at, operations[i].prefix)) {
            p.op = operations[i].op;
            break;
        }
    rb_status status = RB_OK;
    while (status == RB_OK && *at && *at != '+')
        status = read_number(text, &at, fields, err);
    if (status == RB_OK)
        status = read_steps(text, at, &p, err);
    if (status != RB_OK)
        return status;
    status = check_present(text, fields, p.op, err);
    if (status != RB_OK)
        return status;
    complete(fields, &p);
    if (sees_padding_alone(p.pad_top, p.pad_bottom, p.kh) ||
        sees_padding_alone(p.pad_left, p.pad_right, p.kw))
        return rb_fail(err, RB_ERR_USAGE,
                       "problem '%.200s': oh %lld and ow %lld leave windows with nothing but "
                       "padding in them",
                       text, (long long)p.oh, (long long)p.ow);
    if (rb_problem_graph_create(&p, &graph, &why) != RB_OK)
        return rb_fail(err, RB_ERR_USAGE, "problem '%.200s': %.900s", text, why.message);
    rb_problem_graph_destroy(graph);
    *problem = p;
    return RB_OK;
}

bool rb_problem_equal(const rb_problem *a, const rb_problem *b) {
    return a->op == b->op && a->batch == b->batch && a->ic == b->ic && a->ih == b->ih &&
           a->iw == b->iw && a->oc == b->oc && a->oh == b->oh && a->ow == b->ow && a->kh == b->kh &&
           a->kw == b->kw && a->stride_h == b->stride_h && a->stride_w == b->stride_w &&
           a->pad_top == b->pad_top && a->pad_left == b->pad_left &&
           a->pad_bottom == b->pad_bottom && a->pad_right == b->pad_right && a->bias == b->bias &&
           a->bn == b->bn && a->add == b->add && a->relu == b->relu;
}

typedef struct rb_writer {
    char *text;
    size_t length;
} rb_writer;

static void write_number(rb_writer *writer, const char *letters_of, int64_t value) {
    writer->length +=
        (size_t)snprintf(writer->text + writer->length, RB_PROBLEM_CAPACITY - writer->length,
                         "%s%lld", letters_of, (long long)value);
}

static void write_unless(rb_writer *writer, const char *letters_of, int64_t value, int64_t usual) {
    if (value != usual)
        write_number(writer, letters_of, value);
}

/* Within the capacity: 9 letters, 13 times 2 letters and 10 digits, 18 letters. */
void rb_problem_format(const rb_problem *p, char text[RB_PROBLEM_CAPACITY]) {
    rb_writer w = {.text = text};
    const bool plane = p->op != RB_OP_FC, pools = p->op == RB_OP_AVGPOOL;
    const bool square = is_square(p) && p->oh == p->ow;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (operations[i].op == p->op && p->op != RB_OP_CONV)
            w.length = (size_t)snprintf(text, RB_PROBLEM_CAPACITY, "%s", operations[i].prefix);
    write_unless(&w, "mb", p->batch, 1);
    write_number(&w, "ic", p->ic);
    if (plane)
        write_number(&w, "ih", p->ih);
    write_unless(&w, "iw", p->iw, p->ih);
    if (rb_op_has_weights(p->op) || p->oc != p->ic)
        write_number(&w, "oc", p->oc);
    if (plane && !pools)
        write_number(&w, "oh", p->oh);
    if (!square && !pools)
        write_number(&w, "ow", p->ow);
    if (p->op == RB_OP_CONV || p->op == RB_OP_MAXPOOL)
        write_number(&w, "kh", p->kh);
    if (!pools)
        write_unless(&w, "kw", p->kw, p->kh);
    write_unless(&w, "sh", p->stride_h, 1);
    write_unless(&w, "sw", p->stride_w, p->stride_h);
    write_unless(&w, "ph", p->pad_top, 0);
    write_unless(&w, "pw", p->pad_left, p->pad_top);
    snprintf(text + w.length, RB_PROBLEM_CAPACITY - w.length, "%s%s%s%s", p->bias ? "+bias" : "",
             p->bn ? "+bn" : "", p->add ? "+add" : "", p->relu ? "+relu" : "");
}

rb_problem rb_problem_of_node(const rb_graph *graph, int32_t node) {
    const rb_node *n = &graph->nodes[node];
    rb_problem p = {.op = n->op,
                    .batch = graph->batch,
                    .ic = n->ic,
                    .ih = n->ih,
                    .iw = n->iw,
                    .oc = n->oc,
                    .kh = n->kh,
                    .kw = n->kw,
                    .stride_h = n->stride_h,
                    .stride_w = n->stride_w,
                    .pad_top = n->pad_top,
                    .pad_left = n->pad_left,
                    .bias = n->bia != RB_NONE,
                    .bn = n->bn_weight != RB_NONE,
                    .add = n->add != RB_NONE,
                    .relu = n->relu != 0};
    /* Padding behind that no window reaches is all the same: as a text would say it. */
    p.oh = extent_of(n->oh, p.ih, p.kh, p.stride_h, p.pad_top, &p.pad_bottom);
    p.ow = extent_of(n->ow, p.iw, p.kw, p.stride_w, p.pad_left, &p.pad_right);
    return p;
}

typedef struct rb_problem_graph {
    rb_graph graph; /* first: what the caller holds */
    rb_node node;
    rb_tensor_desc tensors[RB_PROBLEM_TENSORS];
} rb_problem_graph;

static int32_t add_tensor(rb_problem_graph *g, const char *name, int32_t ndim, int64_t d0,
                          int64_t d1, int64_t d2, int64_t d3) {
    g->tensors[g->graph.tensor_count] =
        (rb_tensor_desc){.name = name, .ndim = ndim, .dims = {d0, d1, d2, d3}};
    return g->graph.tensor_count++;
}

static void add_tensors(rb_problem_graph *g, const rb_problem *p) {
    rb_node *n = &g->node;
    n->wei = n->bia = n->bn_weight = n->bn_bias = n->bn_mean = n->bn_var = RB_NONE;
    if (p->op == RB_OP_CONV)
        n->wei = add_tensor(g, "wei", 4, p->oc, p->ic, p->kh, p->kw);
    if (p->op == RB_OP_FC)
        n->wei = add_tensor(g, "wei", 2, p->oc, p->ic, 1, 1);
    if (p->bias)
        n->bia = add_tensor(g, "bia", 1, p->oc, 1, 1, 1);
    if (!p->bn)
        return;
    n->bn_weight = add_tensor(g, "bn_weight", 1, p->oc, 1, 1, 1);
    n->bn_bias = add_tensor(g, "bn_bias", 1, p->oc, 1, 1, 1);
    n->bn_mean = add_tensor(g, "bn_mean", 1, p->oc, 1, 1, 1);
    n->bn_var = add_tensor(g, "bn_var", 1, p->oc, 1, 1, 1);
}

rb_status rb_problem_graph_create(const rb_problem *p, rb_graph **graph, rb_error *err) {
    *graph = NULL;
    rb_problem_graph *g = calloc(1, sizeof *g);
    if (!g)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a graph");
    g->node = (rb_node){.name = "problem",
                        .value_name = "problem",
                        .op = p->op,
                        .src = RB_VALUE_INPUT,
                        .add = p->add ? RB_VALUE_ADDEND : RB_NONE,
                        .relu = p->relu,
                        .ic = p->ic,
                        .ih = p->ih,
                        .iw = p->iw,
                        .oc = p->oc,
                        .oh = p->oh,
                        .ow = p->ow,
                        .kh = p->kh,
                        .kw = p->kw,
                        .stride_h = p->stride_h,
                        .stride_w = p->stride_w,
                        .pad_top = p->pad_top,
                        .pad_left = p->pad_left,
                        .pad_bottom = p->pad_bottom,
                        .pad_right = p->pad_right};
    g->graph = (rb_graph){.size = sizeof(rb_graph),
                          .name = "problem",
                          .batch = p->batch,
                          .channels = p->ic,
                          .height = p->ih,
                          .width = p->iw,
                          .node_count = 1,
                          .nodes = &g->node,
                          .tensors = g->tensors};
    add_tensors(g, p);
    const int64_t classes[] = {p->oc, p->oh, p->ow};
    rb_status status = rb_product_i64(classes, 3, &g->graph.classes)
                           ? rb_graph_check(&g->graph, err)
                           : rb_fail(err, RB_ERR_MEMORY, "its values are too large to count");
    if (status == RB_OK)
        *graph = &g->graph;
    else
        free(g);
    return status;
}

void rb_problem_graph_destroy(rb_graph *graph) {
    free(graph);
}

int64_t rb_problem_src_elements(const rb_problem *p) {
    return p->batch * p->ic * p->ih * p->iw;
}

int64_t rb_problem_dst_elements(const rb_problem *p) {
    return p->batch * p->oc * p->oh * p->ow;
}

int64_t rb_problem_tensor_elements(const rb_problem *p) {
    return (rb_op_has_weights(p->op) ? p->oc * p->ic * p->kh * p->kw : 0) + (p->bias ? p->oc : 0) +
           (p->bn ? 4 * p->oc : 0);
}
