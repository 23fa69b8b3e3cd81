#define _GNU_SOURCE
#include "CSpawn.h"

#include <link.h>

int sower_spawn_file_actions_addchdir(posix_spawn_file_actions_t *actions, const char *path) {
    return posix_spawn_file_actions_addchdir_np(actions, path);
}

short sower_spawn_setsid(void) { return POSIX_SPAWN_SETSID; }

struct visitor {
    void (*visit)(const char *, void *);
    void *context;
};

static int pass_on(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    struct visitor *visitor = data;
    if (info->dlpi_name && info->dlpi_name[0] == '/') visitor->visit(info->dlpi_name, visitor->context);
    return 0;
}

void sower_loaded_libraries(void (*visit)(const char *path, void *context), void *context) {
    struct visitor visitor = {visit, context};
    dl_iterate_phdr(pass_on, &visitor);
}
