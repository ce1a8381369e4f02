/* fuzz_seeds DIRECTORY IMAGES: writes the first inputs of every harness to DIRECTORY/<harness>/.
 * They are made here, by the writers that the readers belong to; IMAGES is tests/unit/images. */
#include "../unit/test_accuracy_support.h"
#include "../unit/test_records.h"
#include "../unit/test_weights_tiny.h"

#include <jansson.h>

#include "loaders/hdf5_access.h"
#include "loaders/tensor_file.h"
#include "results/accuracy_file.h"
#include "results/report.h"
#include "small_image_set.h"

static const char *root;

/* prefix and data -> <root>/<harness>/<name> */
static void seed(const char *harness, const char *name, const void *prefix, size_t prefix_size,
                 const void *data, size_t size) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", root, harness);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", root, harness, name);
    char *block = malloc(prefix_size + size + 1);
    assert_non_null(block);
    if (prefix_size)
        memcpy(block, prefix, prefix_size);
    if (size)
        memcpy(block + prefix_size, data, size);
    save(path, block, prefix_size + size);
    free(block);
}

/* Short random programs; structured harnesses turn every byte into a decision. */
static void make_random(const char *harness, int count) {
    uint64_t state = 1;
    for (int i = 0; i < count; i++) {
        char name[32];
        uint8_t bytes[48];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)random_bits(&state);
        snprintf(name, sizeof name, "random-%d", i);
        seed(harness, name, NULL, 0, bytes, i == 0 ? 0 : 8 + (size_t)i % 40);
    }
}

/* "Exif", zero, zero, a TIFF header and a directory of two entries. */
static size_t exif_block(bool big, uint8_t orientation, uint8_t block[64]) {
    static const uint8_t little_endian[] = {
        'E', 'x', 'i', 'f', 0, 0, 'I',  'I', 42, 0, 8, 0, 0, 0, 2, 0, 0x0F, 1, 2, 0, 1, 0,
        0,   0,   'x', 0,   0, 0, 0x12, 1,   3,  0, 1, 0, 0, 0, 1, 0, 0,    0, 0, 0, 0, 0};
    static const uint8_t big_endian[] = {
        'E', 'x', 'i', 'f', 0, 0, 'M', 'M',  0, 42, 0, 0, 0, 8, 0, 2, 1, 0x0F, 0, 2, 0, 0,
        0,   1,   'x', 0,   0, 0, 1,   0x12, 0, 3,  0, 0, 0, 1, 0, 1, 0, 0,    0, 0, 0, 0};
    memcpy(block, big ? big_endian : little_endian, sizeof big_endian);
    block[big ? 37 : 36] = orientation;
    return sizeof big_endian;
}

static void make_exif(const char *photograph, size_t photograph_size) {
    for (uint8_t orientation = 0; orientation < 10; orientation++) {
        char name[32];
        uint8_t block[64], marker[4 + 64] = {0xFF, 0xE1};
        const bool big = orientation % 2;
        const size_t size = exif_block(big, orientation, block);
        snprintf(name, sizeof name, "orientation-%d", orientation);
        seed("exif", name, "\x43", 1, block, size);
        /* the same inside a photograph, after its start marker */
        marker[3] = (uint8_t)(size + 2);
        memcpy(marker + 4, block, size);
        char *whole = malloc(photograph_size + sizeof marker);
        assert_non_null(whole);
        memcpy(whole, photograph, 2);
        memcpy(whole + 2, marker, size + 4);
        memcpy(whole + size + 6, photograph + 2, photograph_size - 2);
        seed("image", name, "\x08\x07", 2, whole, photograph_size + size + 4);
        free(whole);
    }
}

static void make_images(const char *images) {
    size_t size;
    char path[PATH_SIZE];
    DIR *directory = opendir(images);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", images, entry->d_name);
        char *data = load(path, &size);
        seed("image", entry->d_name, "\x10\x07", 2, data, size);
        if (strcmp(entry->d_name, "photo.jpg") == 0)
            make_exif(data, size);
        free(data);
    }
    closedir(directory);
}

static void make_text(void) {
    static const char *const texts[] = {
        "plain",       "tab\tand\nline",    "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80",
        "\x1B[31mred", "\xC2\x9B\x33\x31m", "\xED\xA0\x80\xC0\x80\xFF"};
    for (size_t i = 0; i < COUNT(texts); i++)
        seed("text", (const char[]){(char)('a' + i), 0}, NULL, 0, texts[i], strlen(texts[i]));
}

static void make_problems(void) {
    static const char *const texts[] = {
        "ic64ih56oc64oh56kh3ph1",       "conv:mb3ic16ih18iw9oc32oh9ow20kh3kw5sh2sw1ph1pw2+bn+add",
        "fc:mb3ic2048oc1000+bias+relu", "maxpool:ic64ih112oh56kh3sh2ph1",
        "avgpool:mb2ic17ih5iw3",        "shortcut:ic16ih32oc32oh16sh2"};
    for (size_t i = 0; i < COUNT(texts); i++)
        seed("problem", (const char[]){(char)('a' + i), 0}, NULL, 0, texts[i], strlen(texts[i]));
}

static void make_messages(void) {
    static const char json[] = "{\"op\":\"open\",\"status\":0,\"n\":[1,2.5,null,true]}";
    for (uint64_t blob = 0; blob <= 256; blob += 64) {
        char name[32], body[512] = "";
        const uint64_t head[3] = {0x47534D4252u, sizeof json - 1, blob};
        memcpy(body, json, sizeof json - 1);
        snprintf(name, sizeof name, "blob-%d", (int)blob);
        seed("message", name, head, sizeof head, body, sizeof json - 1 + blob);
    }
}

typedef struct answer_seed {
    const char *json;
    uint8_t blob;
    int before; /* byte in front of it, which chooses what is asked; none where it is negative */
} answer_seed;

/* What is opened, then answers of a worker one after the other: two bytes of length, JSON, and the
 * kind of blob. */
static void seed_answers(const char *name, char opened, const answer_seed *answers, size_t count) {
    char all[2048];
    size_t used = 0;
    all[used++] = opened;
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(answers[i].json);
        if (answers[i].before >= 0)
            all[used++] = (char)answers[i].before;
        all[used++] = (char)(length >> 8);
        all[used++] = (char)(length & 255);
        memcpy(all + used, answers[i].json, length);
        used += length;
        all[used++] = (char)answers[i].blob;
    }
    seed("worker_answers", name, NULL, 0, all, used);
}

static void make_answers(void) {
    static const answer_seed network[] = {
        {"{\"version\":\"1\",\"output_f64\":false,\"load_ns\":1,\"open_ns\":2.5,"
         "\"kernels\":[\"jit\",\"reorder\"]}",
         0, -1},
        {"{}", 0, 0}, /* the order of images */
        {"{\"run_ns\":5}", 1, -1},
        {"{}", 0, -1},
        {"{\"run_ns\":6}", 1, -1},
        {"{}", 0, -1},
        {"{}", 0, -1},
        {"{\"real_ns\":[1,2,3],\"cpu_ns\":[1,2,3],\"yardstick_ns\":[1,2]}", 3, -1},
        {"{\"bytes\":[1,2,3],\"peak_rss_bytes\":1,\"start_rss_bytes\":1,\"resident_bytes\":1}", 0,
         -1},
        {"{}", 0, 0}, /* the first node that is shown */
        {"{\"dims\":[[2,2,4,4],[2,3,1,1]]}", 5, -1},
        {"{\"bytes\":[1,2,3,4],\"peak_rss_bytes\":1}", 0, -1},
    };
    static const answer_seed problem[] = {
        {"{\"kernels\":[\"jit\"],\"algorithms\":[1],\"output_f64\":true}", 0, -1},
        {"{}", 0, -1},
        {"{}", 0, -1},
        {"{\"run_ns\":5}", 2, -1},
        {"{\"kernels\":[\"jit\"],\"algorithms\":[7]}", 0, -1},
    };
    seed_answers("a-run", 0, network, COUNT(network));
    seed_answers("a-problem", 1, problem, COUNT(problem));
}

static void make_results(const char *directory) {
    size_t size;
    char path[PATH_SIZE];
    rb_report report = {.directory = directory,
                        .title = "A run",
                        .context = json_pack("{s:s, s:i}", "host_name", "box", "num_cpus", 2),
                        .plan = json_pack("{s:s, s:i}", "tier", "quick", "seed", 1)};
    for (size_t i = 0; i < COUNT(record_rows); i++) {
        rb_record full = make_record(&record_rows[i], "onednn", 8, 33.333, 12);
        fill_in(&full, 1.0 / 3e7);
        put(&report.records, full);
        assert_ok(rb_report_write(&report, &err));
        snprintf(path, sizeof path, "%s/%s", directory, RB_REPORT_JSON);
        char *data = load(path, &size);
        seed("results", record_rows[i].network, NULL, 0, data, size);
        free(data);
    }
    json_decref(report.context);
    json_decref(report.plan);
    rb_record_list_release(&report.records);
}

static void make_accuracy(const char *directory) {
    static const char *const engines[] = {"oracle", "onednn", NULL};
    size_t size;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", directory, RB_ACCURACY_IMAGES);
    for (int64_t done = 0; done <= 4; done += 2) {
        char name[32];
        rb_accuracy job = make_job(engines, 4, 3, 2);
        for (size_t e = 0; e < job.engine_count; e++) {
            job.engines[e].done = done;
            for (int64_t i = 0; i < done; i++)
                job.engines[e].images[i] = (rb_accuracy_image){.top1 = (int32_t)i % 3,
                                                               .rank = job.labels[i] < 0 ? 0 : 1,
                                                               .score = 3,
                                                               .margin = 1,
                                                               .oracle_score = 3,
                                                               .max_abs_error = 1e-6,
                                                               .rel_l2 = 1e-7};
        }
        assert_ok(rb_accuracy_images_write(directory, &job, &err));
        char *data = load(path, &size);
        snprintf(name, sizeof name, "done-%d", (int)done);
        seed("accuracy", name, NULL, 0, data, size);
        free(data);
        job_release(&job);
    }
}

/* In the old format, whose metadata has no checksums: one changed byte is not noticed. */
static void store_old(hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 2, (const hsize_t[]){2, 2});
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, 6);
    replace(file, "fc.weight", H5T_IEEE_F32LE, 2, (const hsize_t[]){5, 2}, properties,
            H5T_NATIVE_FLOAT, tiny_values(5));
}

static void seed_file(const char *name, char reader, const char *path) {
    size_t size;
    char *data = load(path, &size);
    seed("hdf5_bytes", name, &reader, 1, data, size);
    free(data);
}

static void copy_old(const char *from, const char *to) {
    const hid_t source = H5Fopen(from, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t target = H5Fcreate(to, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (int32_t t = 0; t < TINY_TENSORS; t++)
        H5Ocopy(source, tiny_tensors[t].name, target, tiny_tensors[t].name, H5P_DEFAULT,
                H5P_DEFAULT);
    rb_weights_info info;
    assert_ok(rb_weights_read_info(from, &info, &err));
    assert_true(rb_hdf5_write_int(target, "schema_version", info.schema_version) &&
                rb_hdf5_write_text(target, "network", info.network) &&
                rb_hdf5_write_text(target, "variant", info.variant) &&
                rb_hdf5_write_text(target, "source", info.source) &&
                rb_hdf5_write_text(target, "preprocessing", info.preprocessing) &&
                rb_hdf5_write_text(target, "sha256", info.sha256) &&
                rb_hdf5_write_int(target, "classes", info.classes) &&
                rb_hdf5_write_double(target, "epsilon", info.epsilon) &&
                rb_hdf5_write_int(target, "conv_bias", info.conv_bias) &&
                rb_hdf5_write_int(target, "batch_norm", info.batch_norm));
    H5Fclose(target);
    H5Fclose(source);
    assert_ok(rb_weights_read_info(to, &info, &err));
}

static void make_hdf5(const char *directory) {
    char path[PATH_SIZE], old[PATH_SIZE];
    static const float values[1 * 3 * 32 * 32];
    const int64_t dims[RB_MAX_DIMS] = {1, 3, 32, 32};
    snprintf(path, sizeof path, "%s/w.h5", directory);
    snprintf(old, sizeof old, "%s/old.h5", directory);
    assert_ok(write_tiny(path, &err));
    seed_file("weights", 0, path);
    copy_old(path, old);
    seed_file("weights-old", 0, old);
    write_altered(path, store_old);
    seed_file("weights-chunked", 0, path);
    copy_old(path, old);
    seed_file("weights-chunked-old", 0, old);
    assert_ok(rb_tensor_write(path, "input", RB_F32, 4, dims, values, NULL, 0, &err));
    seed_file("input", 1, path);
    small_image_set_write(path);
    rb_image_set *set;
    assert_ok(rb_image_set_open(path, &set, &err));
    assert_ok(rb_image_set_verify(set, &err));
    rb_image_set_close(set);
    seed_file("images", 2, path);
}

static void make_texts_of_files(void) {
    static const char json[] =
        "\x1F\x1F{\"order\": \"RGB\", \"divisor\": 255, \"mean\": [0.485, 0.456, "
        "0.406], \"std\": [0.229, 0.224, 0.225], \"resize\": null, "
        "\"crop\": [32, 32]}";
    static const char names[] = "\x02n01440764 tench, Tinca tinca\ngoldfish\r\nshark \xC3\xBC\n";
    static const char labels[] = "\x05"
                                 "file,class\na.png,3\n\"b,c.jpg\",4\n";
    static const char synsets[] = "\0a.png,n01440764\r\n./n01440764_1.JPEG,0\n";
    uint8_t cifar[1 + 2 * 3073] = {0, 9};
    seed("preprocess_json", "cifar", NULL, 0, json, sizeof json - 1);
    seed("preprocess_json", "none", NULL, 0, "\x1F\x1Fnone", 6);
    seed("class_names", "three", NULL, 0, names, sizeof names - 1);
    seed("labels", "numbers", NULL, 0, labels, sizeof labels - 1);
    seed("labels", "synsets", NULL, 0, synsets, sizeof synsets - 1);
    seed("cifar", "two", NULL, 0, cifar, sizeof cifar);
    cifar[0] = 1;
    seed("cifar", "short", NULL, 0, cifar, 40);
}

int main(int argc, char **argv) {
    char work[] = "/tmp/resbench-seeds-XXXXXX";
    void *state = work;
    if (argc != 3) {
        fprintf(stderr, "usage: fuzz_seeds DIRECTORY IMAGES\n");
        return 2;
    }
    root = argv[1];
    mkdir(root, 0777);
    assert_non_null(mkdtemp(work));
    make_images(argv[2]);
    make_problems();
    make_text();
    make_messages();
    make_answers();
    make_results(work);
    make_accuracy(work);
    make_hdf5(work);
    make_texts_of_files();
    make_random("image_set", 200);
    make_random("weights", 200);
    make_random("tensor", 200);
    return remove_directory(&state);
}
