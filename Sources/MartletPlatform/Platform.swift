// The C library and the system calls of the platform, for every target that calls them. Other files import
// MartletPlatform and need no conditions on the platform. Swift re-exports a module only with the underscored
// attribute.

// The C library and the system calls of the platform. Files that need them import MartletPlatform and have no
// conditions on the platform themselves. Swift re-exports a module only with the underscored attribute.
#if canImport(Glibc)
    @_exported public import Glibc
#elseif canImport(Musl)
    @_exported public import Musl
#else
    @_exported public import Darwin
#endif

#if canImport(System)
    @_exported public import System
#else
    @_exported public import SystemPackage
#endif
