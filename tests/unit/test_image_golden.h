/* Written by make_image_golden.py: do not edit. Hashes are FNV-1a, 64 bits, of the bytes. */
/* clang-format off */
#ifndef TEST_IMAGE_GOLDEN_H
#define TEST_IMAGE_GOLDEN_H

#include <stdint.h>

typedef struct golden_png {
    const char *file;
    int64_t height, width;
    uint64_t hash;
} golden_png;

static const golden_png golden_pngs[] = {
    {"grey1.png", 9, 13, 0x356A70F0354E1EC7u},
    {"grey16.png", 9, 13, 0x6A943A4D72A58BFEu},
    {"grey4.png", 9, 13, 0x5AD595BC47011DEFu},
    {"grey_alpha16.png", 9, 13, 0xF6225891020D543Fu},
    {"interlaced.png", 9, 13, 0x56F546D789CBD35Du},
    {"palette.png", 9, 13, 0x57C5704A299F5229u},
    {"rgb.png", 9, 13, 0x56F546D789CBD35Du},
    {"rgb16.png", 9, 13, 0x495521C503CC2DEEu},
    {"rgb_key.png", 9, 13, 0x56F546D789CBD35Du},
    {"rgba.png", 9, 13, 0x845097439EC24FBEu},
};

/* noise of seed, height x width -> new_height x new_width */
typedef struct golden_resize {
    uint32_t seed;
    int64_t height, width, new_height, new_width;
    uint64_t hash;
} golden_resize;

static const golden_resize golden_resizes[] = {
    {100, 37, 53, 16, 23, 0xBB84559A74187551u},
    {101, 9, 7, 20, 31, 0xDFF54568AA4A2839u},
    {102, 40, 30, 40, 11, 0x80421C230EF78658u},
    {103, 30, 40, 7, 40, 0xF931DE4EA1BDBFDCu},
    {104, 24, 24, 24, 24, 0x3B993A7E2D27ED26u},
    {105, 1, 200, 1, 3, 0xB9560586FBD6BCD8u},
    {106, 3, 3, 1, 1, 0xF55E1C190C736315u},
    {107, 20, 50, 31, 17, 0x67122B99F67938A7u},
    {108, 1, 1, 5, 4, 0x7ECAD116F2B71925u},
    {109, 375, 500, 256, 341, 0xAB475ADF9BFD6FE9u},
};

typedef struct golden_preprocess {
    uint32_t seed;
    int64_t height, width, resize, crop_height, crop_width;
    uint64_t hash;
} golden_preprocess;

static const golden_preprocess golden_preprocesses[] = {
    {200, 375, 500, 256, 224, 224, 0x6A3FB6ECF4EC4086u},
    {201, 500, 333, 256, 224, 224, 0x6B49576D065B72EFu},
    {202, 100, 73, 36, 31, 32, 0xCB97F1DE0388F1DEu},
    {203, 33, 35, 0, 32, 32, 0xD7399BD17D73F4E0u},
    {204, 31, 30, 0, 26, 28, 0x17F56839544A31F2u},
    {205, 40, 40, 40, 40, 40, 0x2E4D0377F88F87C6u},
    {206, 20, 30, 48, 48, 40, 0x6A65EA260C1BD8E0u},
};

/* The pixels (0 1 2) (3 4 5) turned by EXIF orientations 1 to 8. */
typedef struct golden_orientation {
    int64_t height, width;
    uint8_t labels[6];
} golden_orientation;

static const golden_orientation golden_orientations[8] = {
    {2, 3, {0, 1, 2, 3, 4, 5}},
    {2, 3, {2, 1, 0, 5, 4, 3}},
    {2, 3, {5, 4, 3, 2, 1, 0}},
    {2, 3, {3, 4, 5, 0, 1, 2}},
    {3, 2, {0, 3, 1, 4, 2, 5}},
    {3, 2, {3, 0, 4, 1, 5, 2}},
    {3, 2, {5, 2, 4, 1, 3, 0}},
    {3, 2, {2, 5, 1, 4, 0, 3}},
};

/* (v / 255 - mean) / std, v = 0..255, R then G then B, little-endian float32 */
#define GOLDEN_NORMALISED 0xE24D709A66DE7CC0u

/* v - mean for B, G, R of pixels (i, 255 - i, 7 i mod 256), little-endian float32 */
#define GOLDEN_CAFFE 0x31335E1A9469ABBFu

#endif
