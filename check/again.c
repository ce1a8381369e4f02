#include "check/again.h"

#include <stdarg.h>
#include <string.h>

#include "bench/engine_loader.h"

typedef struct sentence {
    char *text;
    size_t capacity, length; /* length >= capacity: it did not fit */
} sentence;

static void add(sentence *s, const char *format, ...) RB_PRINTF(2, 3);

static void add(sentence *s, const char *format, ...) {
    va_list args;
    if (s->length >= s->capacity)
        return;
    va_start(args, format);
    const int length = vsnprintf(s->text + s->length, s->capacity - s->length, format, args);
    va_end(args);
    s->length += length > 0 ? (size_t)length : 0;
}

/* As one word of a shell. */
static void add_word(sentence *s, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=:,./@%";
    if (word[0] && word[strspn(word, plain)] == '\0') {
        add(s, " %s", word);
        return;
    }
    add(s, " '");
    for (const char *at = word; *at; at++)
        if (*at == '\'')
            add(s, "'\\''");
        else
            add(s, "%c", *at);
    add(s, "'");
}

static void add_option(sentence *s, const char *option, const char *word) {
    if (!word)
        return;
    add(s, " %s", option);
    add_word(s, word);
}

/* The name where it leads to the engine, for it is shorter. */
static const char *engine_word(const rb_plan_engine *engine) {
    char path[RB_PATH_CAPACITY];
    const bool found = rb_engine_find(engine->label, path, NULL) == RB_OK;
    return found && strcmp(path, engine->path) == 0 ? engine->label : engine->path;
}

/* Of a row name "network" or "network/node". */
static void add_networks(sentence *s, const rb_check_plan *plan, const char *network) {
    add(s, " --depths %.*s", (int)strcspn(network, "/"), network);
    if (plan->height)
        add(s, " --size %lldx%lld", (long long)plan->height, (long long)plan->width);
    add_option(s, "--weights", plan->weights);
    add_option(s, "--images", plan->images);
}

void rb_check_again(const rb_check_plan *plan, rb_check_row *row) {
    sentence s = {.text = row->again, .capacity = sizeof row->again};
    add(&s, "resbench check");
    add_word(&s, engine_word(&plan->engine));
    if (row->level == RB_LEVEL_EXACT || row->level == RB_LEVEL_OPERATION)
        add_option(&s, "--problem", row->name);
    add_option(&s, "--level", rb_check_level_name(row->level));
    if (row->level == RB_LEVEL_EXACT || row->level == RB_LEVEL_OPERATION) {
        add_option(&s, "--input", row->input);
        if (row->network[0])
            add_networks(&s, plan, row->network);
    } else {
        add_networks(&s, plan, row->level == RB_LEVEL_CHAINED ? row->network : row->name);
        add(&s, " --batch %lld", (long long)row->batch);
    }
    if (row->level == RB_LEVEL_TASK) {
        add_option(&s, "--data", plan->data);
        if (plan->limit)
            add(&s, " --limit %lld", (long long)plan->limit);
    }
    add(&s, " --seed %llu --threads %d --no-worker", (unsigned long long)row->seed, row->threads);
    if (s.length >= s.capacity)
        row->again[0] = '\0';
}
