/* A kernel plug-in for the judge: 3x3 convolutions with stride 1 by Winograd's minimal filtering
 * F(m x m, 3 x 3), as in Lavin and Gray 2015 (arXiv 1509.09308), section 4.1, all of it in float32.
 * RB_TILE is m, 2 or 4; RB_ALGORITHM is what it declares itself to be. */
#include "resbench/handshake.h"

#define SPAN (RB_TILE + 2) /* of a tile of the source */
#define PLACES (SPAN * SPAN)

#if RB_TILE == 4
static const float source_matrix[SPAN][SPAN] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0},
                                                {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
                                                {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
static const float weight_matrix[SPAN][3] = {{1.0F / 4, 0, 0},
                                             {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                                             {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                                             {1.0F / 24, 1.0F / 12, 1.0F / 6},
                                             {1.0F / 24, -1.0F / 12, 1.0F / 6},
                                             {0, 0, 1}};
static const float result_matrix[RB_TILE][SPAN] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
#else
static const float source_matrix[SPAN][SPAN] = {
    {1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
static const float weight_matrix[SPAN][3] = {
    {1, 0, 0}, {0.5F, 0.5F, 0.5F}, {0.5F, -0.5F, 0.5F}, {0, 0, 1}};
static const float result_matrix[RB_TILE][SPAN] = {{1, 1, 1, 0}, {0, 1, -1, -1}};
#endif

struct rb_prepared {
    const rb_host *host;
    rb_conv2d conv;
    float *wei; /* (oc, ic, PLACES), transformed */
    float *bia; /* (oc), behind them */
};

/* dst = matrix src matrix^T: (rows, rows) from (columns, columns). */
static void transform(int rows, int columns, const float *matrix, const float *src, float *dst) {
    float half[SPAN * SPAN];
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            half[r * columns + c] = 0;
            for (int k = 0; k < columns; k++)
                half[r * columns + c] += matrix[r * columns + k] * src[k * columns + c];
        }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < rows; c++) {
            dst[r * rows + c] = 0;
            for (int k = 0; k < columns; k++)
                dst[r * rows + c] += half[r * columns + k] * matrix[c * columns + k];
        }
}

static void release(rb_prepared *p) {
    if (!p)
        return;
    p->host->release(p->host->ctx, p->wei);
    p->host->release(p->host->ctx, p);
}

static int64_t tiles(int64_t extent) {
    return (extent + RB_TILE - 1) / RB_TILE;
}

static rb_status prepare(const rb_kernel *self, const rb_host *host, const rb_conv2d *conv,
                         const float *wei, const float *bia, rb_kernel_choice *choice,
                         rb_prepared **prepared, rb_error *err) {
    (void)self;
    *prepared = NULL;
    const rb_status status = rb_kernel_handshake_check(host, conv, choice, err);
    if (status != RB_OK)
        return status;
    if (conv->kh != 3 || conv->kw != 3 || conv->stride_h != 1 || conv->stride_w != 1)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "3x3 with stride 1 alone");
    rb_prepared *p = host->alloc(host->ctx, RB_MEMORY_SCRATCH, sizeof *p);
    if (!p)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a convolution");
    const int64_t filters = conv->oc * conv->ic;
    *p = (rb_prepared){.host = host, .conv = *conv};
    p->wei = host->alloc(host->ctx, RB_MEMORY_WEIGHTS,
                         (size_t)(filters * PLACES + conv->oc) * sizeof *p->wei);
    if (!p->wei) {
        release(p);
        return rb_fail(err, RB_ERR_MEMORY, "no memory for weights");
    }
    p->bia = p->wei + filters * PLACES;
    for (int64_t i = 0; i < filters; i++)
        transform(SPAN, 3, weight_matrix[0], wei + i * 9, p->wei + i * PLACES);
    for (int64_t o = 0; o < conv->oc; o++)
        p->bia[o] = bia[o];
    choice->algorithm = RB_ALGORITHM;
    choice->kernel = RB_TILE == 4 ? "winograd4x4:c" : "winograd2x2:c";
    choice->executed_macs = conv->batch * filters * PLACES * tiles(conv->oh) * tiles(conv->ow);
    choice->scratch_bytes = conv->ic * PLACES * (int64_t)sizeof(float);
    *prepared = p;
    return RB_OK;
}

/* The tile of one channel whose first result is (y, x); zero outside of the plane. */
static void read_tile(const rb_conv2d *c, const float *plane, int64_t y, int64_t x, float *tile) {
    for (int64_t r = 0; r < SPAN; r++)
        for (int64_t s = 0; s < SPAN; s++) {
            const int64_t iy = y + r - c->pad_top, ix = x + s - c->pad_left;
            const bool inside = iy >= 0 && iy < c->ih && ix >= 0 && ix < c->iw;
            tile[r * SPAN + s] = inside ? plane[iy * c->iw + ix] : 0;
        }
}

static void write_tile(const rb_prepared *p, int64_t plane, int64_t o, int64_t y, int64_t x,
                       const float *tile, const float *add, float *dst) {
    const rb_conv2d *c = &p->conv;
    for (int64_t r = 0; r < RB_TILE && y + r < c->oh; r++)
        for (int64_t s = 0; s < RB_TILE && x + s < c->ow; s++) {
            const int64_t at = (plane * c->oh + y + r) * c->ow + x + s;
            const float value = tile[r * RB_TILE + s] + p->bia[o] + (add ? add[at] : 0);
            dst[at] = c->relu && value < 0 ? 0 : value;
        }
}

/* All channels of the results from (y, x) on. sources: room for (ic, PLACES). */
static void convolve_tile(const rb_prepared *p, const float *image, int64_t n, int64_t y, int64_t x,
                          const float *add, float *dst, float *sources) {
    const rb_conv2d *c = &p->conv;
    float tile[PLACES];
    for (int64_t i = 0; i < c->ic; i++) {
        read_tile(c, image + i * c->ih * c->iw, y, x, tile);
        transform(SPAN, SPAN, source_matrix[0], tile, sources + i * PLACES);
    }
    for (int64_t o = 0; o < c->oc; o++) {
        const float *wei = p->wei + o * c->ic * PLACES;
        float sum[PLACES] = {0};
        for (int64_t i = 0; i < c->ic; i++)
            for (int k = 0; k < PLACES; k++)
                sum[k] += wei[i * PLACES + k] * sources[i * PLACES + k];
        transform(RB_TILE, SPAN, result_matrix[0], sum, tile);
        write_tile(p, n * c->oc + o, o, y, x, tile, add, dst);
    }
}

static rb_status run(rb_prepared *p, const float *src, const float *add, float *dst, void *scratch,
                     rb_error *err) {
    const rb_conv2d *c = &p->conv;
    (void)err;
    for (int64_t n = 0; n < c->batch; n++)
        for (int64_t y = 0; y < c->oh; y += RB_TILE)
            for (int64_t x = 0; x < c->ow; x += RB_TILE)
                convolve_tile(p, src + n * c->ic * c->ih * c->iw, n, y, x, add, dst, scratch);
    return RB_OK;
}

const rb_kernel *rb_kernel_get(void) {
    static const rb_kernel table = {.abi = RB_ENGINE_ABI,
                                    .size = sizeof(rb_kernel),
                                    .name = RB_NAME,
                                    .version = RB_VERSION,
                                    .description = "3x3 by minimal filtering",
                                    .flags = RB_KERNEL_PARTIAL,
                                    .prepare = prepare,
                                    .run = run,
                                    .release = release};
    return &table;
}
