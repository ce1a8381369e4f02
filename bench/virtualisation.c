#include "bench/virtualisation.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench/system_file.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* What hypervisors sign with, and what they are called. The first column: CPUID leaf 0x40000000
 * (Linux: arch/x86/kernel/cpu/hypervisor.c and the files behind it); the second: a word of the DMI
 * vendor or product, which a tree of files has, too. */
static const struct {
    const char *signature, *dmi, *name;
} hypervisors[] = {
    {"KVMKVMKVM", "KVM", "KVM"},
    {"VMwareVMware", "VMware", "VMware"},
    {"Microsoft Hv", "Microsoft", "Hyper-V"},
    {"XenVMMXenVMM", "Xen", "Xen"},
    {"TCGTCGTCGTCG", "QEMU", "QEMU"},
    {"VBoxVBoxVBox", "VirtualBox", "VirtualBox"},
    {"bhyve bhyve", "BHYVE", "bhyve"},
    {" lrpepyh  vr", "Parallels", "Parallels"},
    {"ACRNACRNACRN", "ACRN", "ACRN"},
    {NULL, "Amazon EC2", "KVM (Amazon EC2)"},
    {NULL, "Google", "KVM (Google)"},
};
#define COUNT (sizeof hypervisors / sizeof hypervisors[0])

/* Of the processor that this runs on; false where it says that it is no guest. */
static bool ask_processor(char *name, size_t capacity) {
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 31 & 1))
        return false;
    unsigned signature[4] = {0};
    __cpuid(0x40000000, a, signature[0], signature[1], signature[2]);
    const char *text = (const char *)signature;
    snprintf(name, capacity, "unknown");
    for (size_t i = 0; i < COUNT; i++)
        if (hypervisors[i].signature && strcmp(text, hypervisors[i].signature) == 0)
            snprintf(name, capacity, "%s", hypervisors[i].name);
    return true;
#else
    (void)name, (void)capacity;
    return false;
#endif
}

static bool ask_firmware(const char *root, char *name, size_t capacity) {
    static const char *const files[] = {"/sys/class/dmi/id/sys_vendor",
                                        "/sys/class/dmi/id/product_name",
                                        "/proc/device-tree/hypervisor/compatible"};
    char text[256];
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++)
        for (size_t i = 0; i < COUNT; i++)
            if (rb_system_line(root, files[f], text, sizeof text) &&
                strcasestr(text, hypervisors[i].dmi)) {
                snprintf(name, capacity, "%s", hypervisors[i].name);
                return true;
            }
    return false;
}

void rb_hypervisor_read(const char *root, char *name, size_t capacity) {
    char flags[8192];
    name[0] = '\0';
    if (!root[0] && ask_processor(name, capacity) && strcmp(name, "unknown") != 0)
        return;
    char type[64];
    if (rb_system_line(root, "/sys/hypervisor/type", type, sizeof type)) {
        snprintf(name, capacity, "%s", strcmp(type, "xen") == 0 ? "Xen" : type);
        return;
    }
    const bool x86 = rb_system_value(root, "/proc/cpuinfo", "flags", flags, sizeof flags);
    const bool guest = name[0] || (x86 && rb_system_has_word(flags, "hypervisor"));
    /* A laptop of Microsoft's is no guest: on x86 the processor says what it is. */
    if (!x86 || guest)
        if (!ask_firmware(root, name, capacity) && guest)
            snprintf(name, capacity, "unknown");
}

void rb_container_read(const char *root, char *name, size_t capacity) {
    static const struct {
        const char *word, *name;
    } groups[] = {{"docker", "docker"}, {"kubepods", "kubernetes"},
                  {"libpod", "podman"}, {"containerd", "containerd"},
                  {"lxc", "lxc"},       {"garden", "garden"}};
    char full[4096], line[1024];
    name[0] = '\0';
    if (rb_system_line(root, "/run/systemd/container", name, capacity) && name[0])
        return;
    if (rb_system_exists(root, "/run/.containerenv"))
        snprintf(name, capacity, "podman");
    else if (rb_system_exists(root, "/.dockerenv"))
        snprintf(name, capacity, "docker");
    snprintf(full, sizeof full, "%s/proc/self/cgroup", root);
    FILE *file = name[0] ? NULL : fopen(full, "r");
    while (file && !name[0] && fgets(line, sizeof line, file))
        for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
            if (strstr(line, groups[i].word) && !name[0])
                snprintf(name, capacity, "%s", groups[i].name);
    if (file)
        fclose(file);
}
