#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph_build.h"

#define RB_MAX_RESIZE 65536

rb_exit rb_exit_of(rb_status status) {
    switch (status) {
    case RB_OK:
        return RB_EXIT_FINE;
    case RB_ERR_USAGE:
        return RB_EXIT_USAGE;
    case RB_ERR_INPUT:
    case RB_ERR_OUTPUT:
    case RB_ERR_MEMORY:
    case RB_ERR_UNSUPPORTED:
        return RB_EXIT_INPUT;
    case RB_ERR_ENGINE:
        return RB_EXIT_WRONG;
    case RB_ERR_CRASHED:
    case RB_ERR_TIMEOUT:
        return RB_EXIT_CRASHED;
    case RB_ERR_NOT_COMPARABLE:
        return RB_EXIT_NOT_COMPARABLE;
    case RB_ERR_INTERRUPTED:
        return RB_EXIT_INTERRUPTED;
    }
    return RB_EXIT_WRONG;
}

int rb_cli_fail(rb_status status, const rb_error *err) {
    fprintf(stderr, "resbench: %s\n", err->message);
    return (int)rb_exit_of(status);
}

void rb_cli_parse(const struct argp *argp, int argc, char **argv, void *input) {
    argp_err_exit_status = RB_EXIT_USAGE;
    argp_parse(argp, argc, argv, 0, NULL, input);
}

int64_t rb_cli_integer(const struct argp_state *state, const char *option, const char *text,
                       int64_t low, int64_t high) {
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < low || value > high)
        argp_error(state, "--%s takes a whole number from %lld to %lld, not '%s'", option,
                   (long long)low, (long long)high, text);
    return value;
}

double rb_cli_seconds(const struct argp_state *state, const char *option, const char *text) {
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value > 0 && value <= 1e6))
        argp_error(state, "--%s takes seconds, not '%s'", option, text);
    return value;
}

int64_t rb_cli_bytes(const struct argp_state *state, const char *option, const char *text) {
    static const char units[] = "KMGT";
    char *end;
    const double number = strtod(text, &end);
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    const double bytes = ldexp(number, unit ? 10 * (int)(unit - units + 1) : 0);
    if (end == text || end[unit ? 1 : 0] || !(bytes >= 1 && bytes < 0x1p62))
        argp_error(state, "--%s takes bytes, as in 512M or 16G, not '%s'", option, text);
    return (int64_t)bytes;
}

double rb_cli_percent(const struct argp_state *state, const char *option, const char *text) {
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 1000))
        argp_error(state, "--%s takes per cent, 0 to 1000, not '%s'", option, text);
    return value;
}

static void parse_sides(const struct argp_state *state, const char *option, const char *text,
                        int64_t *height, int64_t *width) {
    char *end;
    errno = 0;
    *height = *width = strtoll(text, &end, 10);
    if (end != text && *end == 'x') {
        const char *second = end + 1;
        *width = strtoll(second, &end, 10);
        if (end == second)
            end = (char *)(uintptr_t) "x";
    }
    if (errno || end == text || *end || *height < RB_MIN_IMAGE_SIZE ||
        *height > RB_MAX_IMAGE_SIZE || *width < RB_MIN_IMAGE_SIZE || *width > RB_MAX_IMAGE_SIZE)
        argp_error(state, "--%s takes N or HEIGHTxWIDTH, sides from %d to %d, not '%s'", option,
                   RB_MIN_IMAGE_SIZE, RB_MAX_IMAGE_SIZE, text);
}

void rb_cli_size(const struct argp_state *state, const char *text, int64_t *height,
                 int64_t *width) {
    parse_sides(state, "size", text, height, width);
}

void rb_cli_crop(const struct argp_state *state, const char *text, int64_t *height,
                 int64_t *width) {
    parse_sides(state, "crop", text, height, width);
}

void rb_cli_join_sizes(const struct argp_state *state, int64_t crop_height, int64_t crop_width,
                       int64_t *height, int64_t *width) {
    if (!crop_height)
        return;
    if (*height && (*height != crop_height || *width != crop_width))
        argp_error(state, "--size and --crop contradict each other");
    *height = crop_height;
    *width = crop_width;
}

int64_t rb_cli_resize(const struct argp_state *state, const char *text) {
    char *end;
    errno = 0;
    const long long side = strtoll(text, &end, 10);
    if (strcmp(text, "none") == 0)
        return 0;
    if (errno || end == text || *end || side < 1 || side > RB_MAX_RESIZE)
        argp_error(state, "--resize takes 1 to %d pixels for the shorter side, or none, not '%s'",
                   RB_MAX_RESIZE, text);
    return side;
}
