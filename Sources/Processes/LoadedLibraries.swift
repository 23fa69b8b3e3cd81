import CSpawn

/// The shared libraries of this process.
package enum LoadedLibraries {
    /// Their paths as the dynamic linker found them: the last component is the name that it looks for. Source: dl_iterate_phdr(3).
    package static var paths: [String] {
        var paths: [String] = []
        withUnsafeMutablePointer(to: &paths) { found in
            sower_loaded_libraries(
                { path, context in
                    guard let path, let context else { return }
                    context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: path))
                }, found)
        }
        return paths
    }
}
