#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>

#include "model/graph_build.h"

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

void rb_cli_size(const struct argp_state *state, const char *text, int64_t *height,
                 int64_t *width) {
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
        argp_error(state, "--size takes HEIGHTxWIDTH with sides from %d to %d, not '%s'",
                   RB_MIN_IMAGE_SIZE, RB_MAX_IMAGE_SIZE, text);
}
