#include "bench/topology.h"

#include <stdlib.h>

hwloc_topology_t rb_topology_load(const char *root) {
    hwloc_topology_t topology;
    setenv("HWLOC_HIDE_ERRORS", "2", 0); /* it would say on stderr that there is no /sys */
    if (root[0])
        setenv("HWLOC_FSROOT", root, 1);
    int failed = hwloc_topology_init(&topology);
    if (failed)
        topology = NULL;
    else if (root[0]) /* of another machine: this processor has nothing to say */
        failed = hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
                                               "x86");
    else
        failed = hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM);
    if (!failed)
        failed = hwloc_topology_set_icache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
    if (!failed)
        failed = hwloc_topology_load(topology);
    if (root[0])
        unsetenv("HWLOC_FSROOT");
    if (!failed)
        return topology;
    if (topology)
        hwloc_topology_destroy(topology);
    return NULL;
}
