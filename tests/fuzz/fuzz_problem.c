/* The text of a problem, as it comes from a command line: read or refused, and what is read has one
 * text, which is read as the same problem. */
#include "fuzz_support.h"

#include "model/problem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    rb_problem problem, again;
    rb_error err = {""};
    FUZZ_REQUIRE(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    const rb_status status = rb_problem_parse(text, &problem, &err);
    if (status == RB_OK) {
        char canonical[RB_PROBLEM_CAPACITY], once_more[RB_PROBLEM_CAPACITY];
        rb_problem_format(&problem, canonical);
        FUZZ_REQUIRE(strlen(canonical) < RB_PROBLEM_CAPACITY - 1);
        FUZZ_REQUIRE(rb_problem_parse(canonical, &again, &err) == RB_OK);
        FUZZ_REQUIRE(rb_problem_equal(&problem, &again));
        rb_problem_format(&again, once_more);
        FUZZ_REQUIRE(strcmp(canonical, once_more) == 0);
        FUZZ_REQUIRE(rb_problem_src_elements(&problem) > 0);
        FUZZ_REQUIRE(rb_problem_dst_elements(&problem) > 0);
        FUZZ_REQUIRE(rb_problem_tensor_elements(&problem) >= 0);
    } else {
        FUZZ_REQUIRE(status == RB_ERR_USAGE && err.message[0] != '\0');
        for (const char *at = err.message; *at; at++)
            FUZZ_REQUIRE((unsigned char)*at >= 0x20 && *at != 0x7F);
    }
    free(text);
    return 0;
}
