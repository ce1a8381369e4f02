/* A file of class names. The first byte is how many classes there are. */
#include "fuzz_file.h"

#include "loaders/class_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rb_class_names *names;
    rb_error err = {""};
    if (size == 0)
        return 0;
    const int64_t classes = 1 + data[0] % 16;
    const char *path = fuzz_file("names.txt", data + 1, size - 1);
    const rb_status status = rb_class_names_load(path, classes, &names, &err);
    if (status == RB_OK) {
        for (int64_t i = 0; i < classes; i++)
            for (const char *at = rb_class_name(names, i); *at; at++)
                FUZZ_REQUIRE((unsigned char)*at >= 0x20 && *at != 0x7F);
    } else {
        FUZZ_REQUIRE(!names);
        fuzz_check_refusal(status, &err);
    }
    rb_class_names_destroy(names);
    return 0;
}
