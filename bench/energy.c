#include "bench/energy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POWERCAP "/sys/class/powercap"
#define POWER_EVENTS "/sys/bus/event_source/devices/power"
#define PATH_CAPACITY 512

/* First line of root/directory/name, without its end. */
static bool read_line(const char *root, const char *directory, const char *name, char *line,
                      size_t capacity) {
    char path[PATH_CAPACITY];
    snprintf(path, sizeof path, "%.200s%.200s/%.80s", root, directory, name);
    FILE *file = fopen(path, "r");
    const bool read = file && fgets(line, (int)capacity, file);
    if (file)
        fclose(file);
    if (read)
        line[strcspn(line, "\n")] = '\0';
    return read;
}

static bool read_zone(const rb_energy_zone *zone, uint64_t *value) {
    char text[32];
    uint64_t number;
    if (zone->range == 0) {
        if (read(zone->fd, &number, sizeof number) != (ssize_t)sizeof number)
            return false;
        *value = number;
        return true;
    }
    const ssize_t length = pread(zone->fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return false;
    text[length] = '\0';
    return sscanf(text, "%" SCNu64, value) == 1;
}

/* A sum without one of its parts is no sum: the kind is unknown from now on. */
static void give_up(rb_energy *energy, rb_energy_kind kind, const char *what, const char *why) {
    energy->incomplete[kind] = true;
    if (!energy->why[0])
        snprintf(energy->why, sizeof energy->why, "%.180s: %s", what, why);
}

/* Takes over the descriptor, -1 of one that could not be opened; what: where it came from. */
static void add_zone(rb_energy *energy, rb_energy_zone zone, const char *what) {
    if (zone.fd < 0) {
        give_up(energy, zone.kind, what, strerror(errno));
    } else if (energy->count == RB_ENERGY_ZONES) {
        give_up(energy, zone.kind, what, "too many meters");
        close(zone.fd);
    } else if (!read_zone(&zone, &zone.last)) {
        give_up(energy, zone.kind, what, "cannot be read");
        close(zone.fd);
    } else {
        energy->zones[energy->count++] = zone;
    }
}

/* J of nothing yet where all meters of the kind are there, NaN where there is none, or not all. */
static void begin(rb_energy *energy) {
    for (int kind = 0; kind < RB_ENERGY_KINDS; kind++)
        energy->joules[kind] = NAN;
    for (size_t i = 0; i < energy->count; i++)
        if (!energy->incomplete[energy->zones[i].kind])
            energy->joules[energy->zones[i].kind] = 0;
}

/* "package-0", and "package-0-die-1" where a package has several; "dram" is the memory of one. The
 * others, "core" and "uncore" (parts of a package) and "psys" (all of it again), would count twice.
 */
static bool kind_of(const char *name, rb_energy_kind *kind) {
    *kind = strcmp(name, "dram") == 0 ? RB_ENERGY_DRAM : RB_ENERGY_PACKAGE;
    return *kind == RB_ENERGY_DRAM || strncmp(name, "package-", 8) == 0;
}

static void open_powercap_zone(const char *root, const char *entry, rb_energy *energy) {
    char directory[PATH_CAPACITY], path[PATH_CAPACITY + 16], name[64], range[32];
    rb_energy_zone zone = {.joules = 1e-6};
    snprintf(directory, sizeof directory, POWERCAP "/%.100s", entry);
    if (!read_line(root, directory, "name", name, sizeof name) || !kind_of(name, &zone.kind))
        return;
    if (!read_line(root, directory, "max_energy_range_uj", range, sizeof range) ||
        sscanf(range, "%" SCNu64, &zone.range) != 1 || zone.range == 0) {
        give_up(energy, zone.kind, directory, "no max_energy_range_uj");
        return;
    }
    snprintf(path, sizeof path, "%.250s%.250s/energy_uj", root, directory);
    zone.fd = open(path, O_RDONLY | O_CLOEXEC);
    add_zone(energy, zone, path);
}

static void open_powercap(const char *root, rb_energy *energy) {
    char path[PATH_CAPACITY];
    snprintf(path, sizeof path, "%.250s%s", root, POWERCAP);
    DIR *directory = opendir(path);
    if (!directory) {
        snprintf(energy->why, sizeof energy->why, "%.200s: %s", path, strerror(errno));
        return;
    }
    /* intel-rapl:0, intel-rapl:0:0 ..., of AMD's processors too; intel-rapl-mmio:0 is the same
     * package by another way. */
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (strncmp(entry->d_name, "intel-rapl:", 11) == 0)
            open_powercap_zone(root, entry->d_name, energy);
    closedir(directory);
    if (energy->count == 0 && !energy->why[0])
        snprintf(energy->why, sizeof energy->why, "%.200s: no package is there", path);
}

/* The processors that stand for their packages, as in "0,24" or "0-1"; each is asked once. */
static void open_power_event(const char *root, const char *name, rb_energy_kind kind,
                             rb_energy *energy) {
    char type[32], event[64], scale[64], mask[256], file[64];
    unsigned config;
    snprintf(file, sizeof file, "events/%s", name);
    if (!read_line(root, POWER_EVENTS, file, event, sizeof event) ||
        sscanf(event, "event=%x", &config) != 1 ||
        !read_line(root, POWER_EVENTS, "type", type, sizeof type) ||
        !read_line(root, POWER_EVENTS, "cpumask", mask, sizeof mask))
        return;
    snprintf(file, sizeof file, "events/%s.scale", name);
    if (!read_line(root, POWER_EVENTS, file, scale, sizeof scale) || !(atof(scale) > 0))
        return;
    struct perf_event_attr attr = {
        .size = sizeof attr, .type = (uint32_t)atoi(type), .config = config};
    for (char *at = mask; *at;) {
        long first = strtol(at, &at, 10), last = first;
        if (*at == '-')
            last = strtol(at + 1, &at, 10);
        for (long cpu = first; cpu <= last; cpu++) {
            const int fd =
                (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
            add_zone(energy, (rb_energy_zone){.fd = fd, .kind = kind, .joules = atof(scale)},
                     "perf_event_open of power");
        }
        if (*at != ',')
            break;
        at++;
    }
}

void rb_energy_open(const char *root, rb_energy *energy) {
    *energy = (rb_energy){.count = 0};
    open_powercap(root, energy);
    begin(energy);
    if (isnan(energy->joules[RB_ENERGY_PACKAGE])) {
        rb_energy_close(energy);
        memset(energy->incomplete, 0, sizeof energy->incomplete);
        open_power_event(root, "energy-pkg", RB_ENERGY_PACKAGE, energy);
        open_power_event(root, "energy-ram", RB_ENERGY_DRAM, energy);
        begin(energy);
    }
    if (!isnan(energy->joules[RB_ENERGY_PACKAGE]))
        energy->why[0] = '\0';
}

void rb_energy_close(rb_energy *energy) {
    for (size_t i = 0; i < energy->count; i++)
        close(energy->zones[i].fd);
    energy->count = 0;
}

void rb_energy_start(rb_energy *energy) {
    begin(energy);
    for (size_t i = 0; i < energy->count; i++)
        if (!read_zone(&energy->zones[i], &energy->zones[i].last))
            energy->joules[energy->zones[i].kind] = NAN;
}

void rb_energy_update(rb_energy *energy) {
    for (size_t i = 0; i < energy->count; i++) {
        rb_energy_zone *zone = &energy->zones[i];
        uint64_t now;
        if (!read_zone(zone, &now)) {
            energy->joules[zone->kind] = NAN;
            continue;
        }
        const uint64_t passed =
            now >= zone->last ? now - zone->last : now + (zone->range - zone->last) + 1;
        energy->joules[zone->kind] += (double)passed * zone->joules;
        zone->last = now;
    }
}
