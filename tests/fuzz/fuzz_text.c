/* What an engine says -> what may be shown: one line of valid UTF-8. */
#include "fuzz_support.h"

#include <jansson.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    const size_t length = strlen(text);
    rb_text_clean(text);
    FUZZ_REQUIRE(strlen(text) == length);
    for (size_t i = 0; i < length; i++)
        FUZZ_REQUIRE(fuzz_is_shown(text + i));
    json_t *string = json_string(text); /* NULL unless UTF-8 */
    FUZZ_REQUIRE(string);
    json_decref(string);
    free(text);
    return 0;
}
