# What the set-up changes in the build of llama-cpp-python: CMake reads this file at the beginning of the project llama.cpp.
#
# The package asks for the library `common` of llama.cpp's own programs (arguments, chat formats, an HTTP client). Nothing
# links it, and it is the largest part of the compilation. A variable of the project outranks the setting of the package.
set(LLAMA_BUILD_COMMON OFF)

# GCC 12.2 takes only the first eight bytes of a tile configuration for used, because its intrinsic names a pointer as operand (GCC
# bug 114098). It removes the assignments of the others, and a processor with AMX ends the program at its first matrix (llama.cpp
# pull request 26954). Without these two passes the configuration is complete.
function(keep_tile_configuration)
    set_source_files_properties(
        "${CMAKE_CURRENT_SOURCE_DIR}/ggml/src/ggml-cpu/amx/mmq.cpp" DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/ggml/src"
        PROPERTIES COMPILE_OPTIONS "-fno-tree-dse;-fno-dse")
endfunction()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The folder of the file is known when CMake has read the whole project.
    cmake_language(DEFER CALL keep_tile_configuration)
endif()
