#include <stdlib.h>

#include "bench/engine_loader.h"
#include "bench/worker_client.h"
#include "cli/cli.h"
#include "model/network.h"

static const char doc[] = "Lists the networks and the engines that can be measured."
                          "\v"
                          "Engines are the shared objects in the directories of "
                          "RESBENCH_ENGINE_PATH and in lib/resbench beside the program.\n\n"
                          "Example:\n"
                          "  resbench list\n\n" RB_EXIT_HELP;

static error_t parse(int key, char *argument, struct argp_state *state) {
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    argp_error(state, "'%s' is one argument too many", argument);
    return 0;
}

/* Asks the engine in a worker: loading a stranger's code must not cost the program. */
static void print_engine(void *ctx, const char *name, const char *path) {
    rb_worker *worker = NULL;
    rb_message answer = {0};
    rb_error err;
    (void)ctx;
    rb_status status = rb_worker_start(&(rb_worker_options){.timeout_seconds = 30}, &worker, &err);
    if (status == RB_OK)
        status =
            rb_worker_call(worker, json_pack("{s:s, s:s}", "op", "describe", "engine_path", path),
                           NULL, 0, &answer, &err);
    if (status == RB_OK)
        printf("  %-14s %-22s %s\n", name,
               json_string_value(json_object_get(answer.json, "version")),
               json_string_value(json_object_get(answer.json, "description")));
    else
        printf("  %-14s cannot be used: %s\n", name, err.message);
    rb_message_release(&answer);
    rb_worker_stop(worker);
}

int rb_command_list(int argc, char **argv) {
    static const struct argp argp = {.parser = parse, .doc = doc};
    size_t count;
    rb_error err;
    rb_cli_parse(&argp, argc, argv, NULL);
    const rb_network *table = rb_network_table(&count);
    printf("networks:\n");
    for (size_t i = 0; i < count; i++)
        printf("  %-14s depth %d, %d %s blocks, %s, %lld classes, input %lldx%lld\n", table[i].name,
               table[i].depth, rb_network_block_count(&table[i]),
               table[i].block == RB_BLOCK_BASIC ? "basic" : "bottleneck",
               rb_network_variant(&table[i]), (long long)table[i].classes, (long long)table[i].size,
               (long long)table[i].size);
    printf("engines:\n");
    fflush(stdout);
    const rb_status status = rb_engine_each(print_engine, NULL, &err);
    return status == RB_OK ? RB_EXIT_FINE : rb_cli_fail(status, &err);
}
