#ifndef CSPAWN_H
#define CSPAWN_H

#include <spawn.h>

// What Swift's Glibc module does not declare.

/// The child changes to the folder `path` before its program begins. Returns 0 or an errno.
int sower_spawn_file_actions_addchdir(posix_spawn_file_actions_t *actions, const char *path);

/// The child begins a session of its own: no terminal's hang-up reaches it. A flag of posix_spawnattr_setflags(3).
short sower_spawn_setsid(void);

/// Calls `visit` with the path of every shared library that the dynamic linker has loaded into this process.
void sower_loaded_libraries(void (*visit)(const char *path, void *context), void *context);

#endif
