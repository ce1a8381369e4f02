/* CIFAR-10's binary file. With an odd first byte the rest is filled up to whole records. */
#include "fuzz_file.h"

#include "loaders/cifar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t records[4 * (1 + RB_CIFAR_BYTES)], pixels[RB_CIFAR_BYTES];
    rb_cifar cifar;
    int32_t label;
    rb_error err = {""};
    const size_t record = 1 + RB_CIFAR_BYTES;
    if (size == 0 || size > sizeof records)
        return 0;
    memset(records, 0, sizeof records);
    memcpy(records, data + 1, size - 1);
    const size_t bytes = data[0] & 1 ? (size - 1 + record - 1) / record * record : size - 1;
    rb_status status = rb_cifar_open(fuzz_file("test_batch.bin", records, bytes), &cifar, &err);
    for (int64_t i = 0; status == RB_OK && i < cifar.count; i++) {
        status = rb_cifar_read(&cifar, pixels, &label, &err);
        FUZZ_REQUIRE(status != RB_OK || (label >= 0 && label < 10));
    }
    if (status != RB_OK)
        fuzz_check_refusal(status, &err);
    rb_cifar_close(&cifar);
    return 0;
}
