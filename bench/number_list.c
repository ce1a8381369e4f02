#include "bench/number_list.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool rb_list_next(const char **list, char *word, size_t capacity) {
    const size_t length = strcspn(*list, ",");
    if (**list == '\0')
        return false;
    snprintf(word, capacity, length < capacity ? "%.*s" : "%.*s...",
             (int)(length < capacity ? length : 12), *list);
    *list += length + ((*list)[length] == ',');
    return true;
}

/* Digits, and nothing else: no sign, no blank. What does not fit is INT64_MAX. */
static bool take_number(const char **text, int64_t *number) {
    const char *start = *text;
    *number = 0;
    for (; isdigit((unsigned char)**text); (*text)++) {
        const int digit = **text - '0';
        *number = *number > (INT64_MAX - digit) / 10 ? INT64_MAX : *number * 10 + digit;
    }
    return *text > start;
}

/* ":2" or ":x2" at the end of a word; nothing stands for ":1". */
static bool take_step(const char **text, rb_number_range *range) {
    range->step = 1;
    if (**text != ':')
        return true;
    ++*text;
    range->multiply = **text == 'x';
    *text += range->multiply;
    return take_number(text, &range->step) && range->step > (range->multiply ? 1 : 0);
}

static bool take_range(const char *word, const rb_number_rules *rules, rb_number_range *range) {
    if (rules->all > 0 && strncmp(word, "all", 3) == 0) {
        word += 3;
        range->first = rules->low;
        range->last = rules->all;
        range->with_last = true;
        return take_step(&word, range) && *word == '\0';
    }
    if (!take_number(&word, &range->first))
        return false;
    range->last = range->first;
    range->step = 1;
    if (*word == '-') {
        word++;
        return take_number(&word, &range->last) && take_step(&word, range) && *word == '\0';
    }
    return *word == '\0';
}

rb_status rb_number_range_parse(const char *word, const rb_number_rules *rules,
                                rb_number_range *range, rb_error *err) {
    *range = (rb_number_range){.multiply = false};
    if (!take_range(word, rules, range))
        return rb_fail(err, RB_ERR_USAGE,
                       "'%.100s' is not a %s: a number, a range such as 2-8, 2-8:2 or 2-8:x2%s",
                       word, rules->what, rules->all > 0 ? ", or all" : "");
    if (range->multiply && range->first < 1)
        return rb_fail(err, RB_ERR_USAGE, "'%.100s': nothing comes of multiplying %lld", word,
                       (long long)range->first);
    if (range->last < range->first)
        return rb_fail(err, RB_ERR_USAGE,
                       "'%.100s': a range goes from the smaller %s to the larger", word,
                       rules->what);
    if (range->first < rules->low || range->last > rules->high)
        return rb_fail(err, RB_ERR_USAGE, "'%.100s' is not a %s (%lld..%lld)", word, rules->what,
                       (long long)rules->low, (long long)rules->high);
    return RB_OK;
}

bool rb_number_range_next(const rb_number_range *range, int64_t *number) {
    int64_t next = range->first;
    if (*number >= range->last)
        return false;
    if (*number >= range->first) {
        const int64_t most =
            range->multiply ? range->last / range->step : range->last - range->step;
        next = *number > most    ? INT64_MAX
               : range->multiply ? *number * range->step
                                 : *number + range->step;
    }
    if (next > range->last) {
        if (!range->with_last)
            return false;
        next = range->last;
    }
    *number = next;
    return true;
}

static rb_status add_number(int64_t number, const rb_number_rules *rules, int64_t *numbers,
                            size_t *count, size_t capacity, rb_error *err) {
    for (size_t i = 0; i < *count; i++)
        if (numbers[i] == number)
            return rb_fail(err, RB_ERR_USAGE, "%s %lld is named twice", rules->what,
                           (long long)number);
    if (*count == capacity)
        return rb_fail(err, RB_ERR_USAGE, "more than %zu values, each a %s", capacity, rules->what);
    numbers[(*count)++] = number;
    return RB_OK;
}

rb_status rb_number_list_add(const char *list, const rb_number_rules *rules, int64_t *numbers,
                             size_t *count, size_t capacity, rb_error *err) {
    char word[64];
    size_t total = *count;
    if (*list == '\0')
        return rb_fail(err, RB_ERR_USAGE, "an empty list, expected a %s", rules->what);
    while (rb_list_next(&list, word, sizeof word)) {
        rb_number_range range;
        int64_t number = INT64_MIN;
        rb_status status = rb_number_range_parse(word, rules, &range, err);
        while (status == RB_OK && rb_number_range_next(&range, &number))
            status = add_number(number, rules, numbers, &total, capacity, err);
        if (status != RB_OK)
            return status;
    }
    *count = total;
    return RB_OK;
}
