#include "loaders/cifar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loaders/class_names.h"

#define RECORD_BYTES (1 + RB_CIFAR_BYTES)

rb_status rb_cifar_open(const char *path, rb_cifar *cifar, rb_error *err) {
    struct stat info;
    *cifar = (rb_cifar){.path = path};
    /* O_NONBLOCK: a FIFO must not hang the run. */
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0 || fstat(file, &info) != 0) {
        const int why = errno;
        if (file >= 0)
            close(file);
        return rb_fail(err, RB_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(why));
    }
    if (S_ISREG(info.st_mode) && info.st_size > 0 && info.st_size % RECORD_BYTES == 0) {
        cifar->count = info.st_size / RECORD_BYTES;
        cifar->file = fdopen(file, "rb");
        if (cifar->file)
            return RB_OK;
    }
    close(file);
    return rb_fail(err, RB_ERR_INPUT,
                   "%s: a file of CIFAR-10's %d-byte records was expected, found %lld bytes", path,
                   RECORD_BYTES, (long long)info.st_size);
}

rb_status rb_cifar_read(rb_cifar *cifar, uint8_t pixels[RB_CIFAR_BYTES], int32_t *label,
                        rb_error *err) {
    enum { PLANE = RB_CIFAR_SIZE * RB_CIFAR_SIZE };
    uint8_t record[RECORD_BYTES];
    if (cifar->next == cifar->count)
        return rb_fail(err, RB_ERR_USAGE, "%s: has %lld images, no more", cifar->path,
                       (long long)cifar->count);
    if (fread(record, 1, sizeof record, cifar->file) != sizeof record)
        return rb_fail(err, RB_ERR_INPUT, "%s: ended within image %lld of %lld", cifar->path,
                       (long long)cifar->next, (long long)cifar->count);
    if (record[0] >= RB_CIFAR10_CLASSES)
        return rb_fail(err, RB_ERR_INPUT,
                       "%s: image %lld has label %d, expected 0 to %d: is this CIFAR-10?",
                       cifar->path, (long long)cifar->next, record[0], RB_CIFAR10_CLASSES - 1);
    *label = record[0];
    for (int i = 0; i < PLANE; i++)
        for (int c = 0; c < 3; c++)
            pixels[i * 3 + c] = record[1 + c * PLANE + i];
    cifar->next++;
    return RB_OK;
}

void rb_cifar_close(rb_cifar *cifar) {
    if (cifar->file)
        fclose(cifar->file);
    cifar->file = NULL;
}
