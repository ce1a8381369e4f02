#include "base/script_path.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/own_path.h"

/* The Python that was found when building is one of that machine. */
const char *rb_python(void) {
    const char *given = getenv("RESBENCH_PYTHON");
    if (given && *given)
        return given;
    return access(RB_PYTHON, X_OK) == 0 ? RB_PYTHON : "python3";
}

rb_status rb_script_path(const char *script, char path[RB_PATH_CAPACITY], rb_error *err) {
    const char *given = getenv("RESBENCH_SHARE");
    rb_error why;
    const rb_status status = rb_share_path(script, path, &why);
    if (status == RB_OK)
        return RB_OK;
    if (given && *given)
        return rb_fail(err, status, "%s", why.message);
    if (rb_path_in(RB_SOURCE, script, path, NULL) == RB_OK && access(path, R_OK) == 0)
        return RB_OK;
    return rb_fail(err, status, "%s", why.message);
}
