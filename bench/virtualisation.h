/* Whether others share this machine unseen. */
#ifndef BENCH_VIRTUALISATION_H
#define BENCH_VIRTUALISATION_H

#include <stddef.h>

/* root: see bench/system_file.h. name: "KVM", "VMware", ...; "unknown" where there is a hypervisor
 * that does not say its name; "" where there is none, or it hides. */
void rb_hypervisor_read(const char *root, char *name, size_t capacity);

/* "docker", "podman", "lxc", ...; "" outside of a container. */
void rb_container_read(const char *root, char *name, size_t capacity);

#endif
