/* A table of labels for three images. The first byte is how many classes there are, 0 for any. */
#include "fuzz_file.h"

#include "loaders/image_set.h"
#include "loaders/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char a[] = "d/a.png", b[] = "d/b,c.jpg", c[] = "d/n01440764_1.JPEG";
    static char *paths[] = {a, b, c};
    static const rb_image_list list = {.count = 3, .paths = paths, .root = 2};
    int32_t values[3];
    int64_t needed;
    rb_error err = {""};
    if (size == 0)
        return 0;
    const int64_t classes = data[0] % 16;
    const char *path = fuzz_file(RB_LABELS_CSV, data + 1, size - 1);
    const rb_status status = rb_labels_read_csv(path, &list, classes, values, &needed, &err);
    if (status != RB_OK) {
        fuzz_check_refusal(status, &err);
        return 0;
    }
    FUZZ_REQUIRE(needed >= 0 && needed <= RB_IMAGE_SET_MAX_CLASSES);
    for (size_t i = 0; i < list.count; i++) {
        FUZZ_REQUIRE(values[i] >= RB_NO_LABEL && values[i] < needed + (needed == 0));
        FUZZ_REQUIRE(!classes || values[i] < classes);
    }
    return 0;
}
