# What the set-up leaves out of the build of llama-cpp-python: CMake reads this file at the beginning of the project llama.cpp.
#
# The package asks for the library `common` of llama.cpp's own programs (arguments, chat formats, an HTTP client). Nothing
# links it, and it is the largest part of the compilation. A variable of the project outranks the setting of the package.
set(LLAMA_BUILD_COMMON OFF)
