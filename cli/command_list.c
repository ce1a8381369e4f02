#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/engine_loader.h"
#include "bench/peer.h"
#include "bench/worker_client.h"
#include "cli/cli.h"
#include "model/network.h"

static const char doc[] =
    "Lists the networks, and the engines and kernel plug-ins that can be measured."
    "\v"
    "Engines and kernel plug-ins are the shared objects in the directories of "
    "RESBENCH_ENGINE_PATH and in lib/resbench beside the program. Peers are other programs that "
    "'resbench run' measures beside them; docs/peers.md tells more.\n\n"
    "Example:\n"
    "  resbench list\n"
    "  resbench list --json\n"
    "  resbench list --peers\n\n" RB_EXIT_HELP;

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "Print the table of networks as JSON", 0},
    {"peers", 'p', NULL, 0, "List the peers, with the versions that are installed", 0},
    {0}};

typedef struct list_arguments {
    bool json, peers;
} list_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    list_arguments *a = state->input;
    if (key == 'j')
        a->json = true;
    else if (key == 'p')
        a->peers = true;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "'%s' is one argument too many", argument);
    else if (key == ARGP_KEY_END && a->json && a->peers)
        argp_error(state, "--json and --peers exclude each other");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static json_t *network_to_json(const rb_network *row) {
    static const char *const stems[] = {[RB_STEM_IMAGENET] = "imagenet", [RB_STEM_CIFAR] = "cifar"};
    static const char *const shortcuts[] = {
        [RB_SHORTCUT_B] = "B", [RB_SHORTCUT_B_PLAIN] = "B-plain", [RB_SHORTCUT_A] = "A"};
    json_t *blocks = json_array(), *widths = json_array();
    for (int32_t stage = 0; stage < row->stages; stage++) {
        json_array_append_new(blocks, json_integer(row->blocks[stage]));
        json_array_append_new(widths, json_integer(row->widths[stage]));
    }
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I}", "name", row->name,
                     "depth", row->depth, "stem", stems[row->stem], "block",
                     row->block == RB_BLOCK_BASIC ? "basic" : "bottleneck", "shortcut",
                     shortcuts[row->shortcut], "padding",
                     row->padding == RB_PADDING_SAME ? "same" : "centred", "variant",
                     rb_network_variant(row), "blocks", blocks, "widths", widths, "classes",
                     (json_int_t)row->classes, "size", (json_int_t)row->size);
}

static void print_json(void) {
    size_t count;
    const rb_network *table = rb_network_table(&count);
    json_t *networks = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(networks, network_to_json(&table[i]));
    json_t *root = json_pack("{s:o}", "networks", networks);
    json_dumpf(root, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(root);
}

/* Asks the engine in a worker: loading a stranger's code must not cost the program. */
static void print_engine(void *ctx, const char *name, const char *path) {
    rb_worker *worker = NULL;
    rb_message answer = {0};
    rb_error err;
    (void)ctx;
    const rb_worker_options how = {.timeout_seconds = 30,
                                   .peer = rb_peer_is_script(path) ? path : NULL};
    rb_status status = rb_worker_start(&how, &worker, &err);
    if (status == RB_OK)
        status =
            rb_worker_call(worker, json_pack("{s:s, s:s}", "op", "describe", "engine_path", path),
                           NULL, 0, &answer, &err);
    if (status == RB_OK)
        printf("  %-16s %-22s %s\n", name,
               json_string_value(json_object_get(answer.json, "version")),
               json_string_value(json_object_get(answer.json, "description")));
    else
        printf("  %-16s cannot be used: %s\n", name, err.message);
    rb_message_release(&answer);
    rb_worker_stop(worker);
}

int rb_command_list(int argc, char **argv) {
    static const struct argp argp = {.options = options, .parser = parse, .doc = doc};
    list_arguments a = {0};
    size_t count;
    rb_error err;
    rb_cli_parse(&argp, argc, argv, &a);
    if (a.json) {
        print_json();
        return RB_EXIT_FINE;
    }
    if (a.peers) {
        const rb_status status = rb_peer_each(print_engine, NULL, &err);
        return status == RB_OK ? RB_EXIT_FINE : rb_cli_fail(status, &err);
    }
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
