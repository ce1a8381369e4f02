#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define FILE_NAME_ROOM 32 /* of the files in the directory */

rb_status rb_cli_results_directory(const char *given, const char *file, bool resume,
                                   char directory[RB_PATH_CAPACITY], rb_error *err) {
    const size_t capacity = RB_PATH_CAPACITY - FILE_NAME_ROOM;
    char path[RB_PATH_CAPACITY + FILE_NAME_ROOM];
    if (given) {
        if ((size_t)snprintf(directory, capacity, "%s", given) >= capacity)
            return rb_fail(err, RB_ERR_USAGE, "the path of -o is too long");
    } else {
        const time_t now = time(NULL);
        struct tm parts;
        localtime_r(&now, &parts);
        strftime(directory, capacity, "resbench-results/%Y-%m-%dT%H-%M-%S", &parts);
    }
    snprintf(path, sizeof path, "%s/%s", directory, file);
    if (resume || access(path, F_OK) != 0)
        return RB_OK;
    return rb_fail(err, RB_ERR_USAGE,
                   "%s holds results already; add --resume, or choose another -o", directory);
}
