#ifndef CSPAWN_H
#define CSPAWN_H

#include <spawn.h>

/// The child changes to the folder `path` before its program begins. Swift's Glibc module does not declare glibc's function.
/// Returns 0 or an errno.
int sower_spawn_file_actions_addchdir(posix_spawn_file_actions_t *actions, const char *path);

#endif
